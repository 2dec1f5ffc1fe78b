"""In docs/spec, paragraphs are numbered without gaps, and every hint of composition is listed with its level."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, get_args

import pytest

from router.composition.error_codes import HINT_LEVELS, ErrorCode

SPEC: Final = Path(__file__).parents[2] / "docs" / "spec"
PAGES: Final = {path.stem: path.read_text(encoding="utf-8") for path in SPEC.glob("*.md")}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_paragraphs_are_numbered_without_gaps(page: str) -> None:
    last: dict[str, int] = {}
    for number in re.findall(r"^#{2,} (\d+(?:\.\d+)*) ", PAGES[page], re.MULTILINE):
        above, _, own = number.rpartition(".")
        assert int(own) == last.get(above, 0) + 1, number
        last[above] = int(own)
    assert last[""] >= 4


def test_every_hint_is_listed_with_its_level() -> None:
    rows = re.findall(r"^\| (WARN|INFO|DEBUG) \| (.+) \|$", PAGES["composition"], re.MULTILINE)
    listed = {code: level for level, codes in rows for code in codes.split(", ")}
    assert listed == HINT_LEVELS


def test_every_error_is_named() -> None:
    text = PAGES["composition"]
    # `KEY_, PROVIDES_, REQUIRES_INVALID_FIELDS` stands for three codes.
    for prefixes, last in re.findall(r"((?:[A-Z]+_, )+)([A-Z]+_[A-Z_]+)", text):
        rest = last.partition("_")[2]
        text += "".join(f" {prefix}{rest}" for prefix in prefixes.split(", ") if prefix)
    assert [code for code in get_args(ErrorCode) if not re.search(rf"\b{code}\b", text)] == []
