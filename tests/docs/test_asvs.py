"""`docs/security/asvs.md` has every item of its chapters, each with tests that exist or with a reason."""

from __future__ import annotations

import ast
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "security" / "asvs.md"
# Section -> the number of its items in version 5.0.0.
SECTIONS: Final = {
    "6.1": 3,
    "6.2": 12,
    "6.3": 8,
    "6.4": 6,
    "6.5": 8,
    "6.6": 4,
    "6.7": 2,
    "6.8": 4,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 3,
    "7.6": 2,
    "9.1": 3,
    "9.2": 4,
    "10.1": 2,
    "10.2": 3,
    "10.3": 5,
    "10.4": 16,
    "10.5": 5,
    "10.6": 2,
    "10.7": 3,
}
KINDS: Final = {
    "Tests: ": "kept, with tests",
    "Kept, because ": "kept, because the bank has no such feature",
    "Does not apply: ": "do not apply",
    "Open: ": "open",
}
ITEM: Final = re.compile(r"- \*\*([0-9.]+)\*\* \(([123])\) (.*?)(?=\n- \*\*|\n\n|\Z)", re.DOTALL)


def items() -> list[tuple[str, int, str]]:
    """The number, the level and the text of each item, in the order of the page."""
    found = ITEM.findall(PAGE.read_text(encoding="utf-8"))
    return [(number, int(level), " ".join(text.split())) for number, level, text in found]


def test_every_item_is_there_once() -> None:
    expected = [f"{section}.{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)]
    assert [number for number, _, _ in items()] == expected


def test_every_item_has_one_kind_of_evidence_and_the_table_counts_them() -> None:
    total: Counter[str] = Counter()
    low: Counter[str] = Counter()
    for number, level, text in items():
        (kind,) = [kind for start, kind in KINDS.items() if re.search(rf"[.)] {start}", text)] or [number]
        total[kind] += 1
        low[kind] += level <= 2
    page = PAGE.read_text(encoding="utf-8")
    for kind in KINDS.values():
        assert f"| {kind} | {total[kind]} | {low[kind]} |" in page


def test_every_named_test_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8")))
    assert len(named) > 30
    missing = [f"{path}::{name}" for path, name in sorted(named) if name not in functions(ROOT / path)]
    assert missing == []
    without = [number for number, _, text in items() if " Tests: " in text and "`tests/" not in text]
    assert without == []


def functions(path: Path) -> set[str]:
    if not path.exists():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


class Fields(HTMLParser):
    """Collects the input fields of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "input":
            self.found.append(dict(attrs))


def test_password_fields_are_masked_and_open_to_password_managers() -> None:
    """ASVS 6.2.6 and 6.2.7, for every page of the platform with a field for a password."""
    fields = Fields()
    for page in (*ROOT.glob("rest_compat/**/*.html"), *ROOT.glob("subgraphs/auth/**/*.html")):
        fields.feed(page.read_text(encoding="utf-8"))
    passwords = [field for field in fields.found if "password" in f"{field.get('name')} {field.get('id')}".lower()]
    assert passwords
    for field in passwords:
        assert field.get("type") == "password"
        assert field.get("autocomplete") in {"current-password", "new-password"}
        assert not {"onpaste", "readonly"} & field.keys()
    scripts = [path.read_text(encoding="utf-8") for path in ROOT.glob("rest_compat/online_banking/**/*.mjs")]
    assert scripts
    assert not any("paste" in script for script in scripts)
