"""Each row of the threat tables in `docs/security` names a test that exists."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
# The tables of `asvs.md` have other columns; `test_asvs.py` checks them.
PAGES = sorted(page for page in (ROOT / "docs" / "security").glob("*.md") if page.name != "asvs.md")
# A row can refer to the test of the row above it.
SAME = re.compile(r"\bthe same\b")
NAMED = re.compile(r"`([^`]+)`")


class Row(NamedTuple):
    """The cells of a row, and the names in the cell `test`. "The same" stands for the names of the row above."""

    cells: tuple[str, ...]
    tests: tuple[str, ...]


def threat_rows(page: Path) -> Iterator[Row]:
    """The rows of the tables whose last column is `test`."""
    header: tuple[str, ...] | None = None
    above: tuple[str, ...] = ()
    for line in page.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            header, above = None, ()
            continue
        cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|")))
        if header is None:
            header = cells
        elif header[-1] == "test" and not set(line) <= set("|-: "):
            named = tuple(NAMED.findall(cells[-1]))
            above = (*above, *named) if SAME.search(cells[-1]) else named
            yield Row(cells, above)


@cache
def names_of_tests() -> frozenset[str]:
    """Each test file and folder, by its name and by its path, and each test function."""
    names: set[str] = set()
    for file in (ROOT / "tests").rglob("test_*.*"):
        relative = file.relative_to(ROOT)
        names |= {file.name, str(relative), *(f"{folder}/" for folder in relative.parents)}
        if file.suffix == ".py":
            names |= set(re.findall(r"^\s*(?:async )?def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    return frozenset(names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_threat_names_a_test_that_exists(page: Path) -> None:
    rows = list(threat_rows(page))
    assert rows
    without = [row.cells for row in rows if not any(name in names_of_tests() for name in row.tests)]
    assert without == []
    unknown = {name for row in rows for name in row.tests if name.startswith(("test_", "tests/"))}
    assert unknown - names_of_tests() == set()
