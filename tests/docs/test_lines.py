"""No line of a document is longer than 300 characters without the targets of links, so that diffs are readable."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
LONGEST: Final = 300
# Generated; its tables have one row for each key of the configuration, with all values.
EXEMPT: Final = frozenset({ROOT / "docs" / "configuration.md"})


def test_lines_are_short() -> None:
    pages = [path for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")) if path not in EXEMPT]
    assert len(pages) > 10
    long = [
        f"{page.relative_to(ROOT)}:{number}"
        for page in pages
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
        if len(re.sub(r"\]\([^)]*\)", "]", line)) > LONGEST
    ]
    assert long == []
