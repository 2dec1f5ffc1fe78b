"""docs/router.md, docs/architecture.md and docs/spec name only keys and log events that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from router.settings.all_keys import keys

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ("docs/router.md", "docs/architecture.md", "docs/spec/execution.md", "docs/spec/planning.md")
TEXT: Final = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)


def test_keys_exist() -> None:
    known = {key.path for key in keys()}
    sections = {path.partition(".")[0] for path in known if "." in path}
    named = set(re.findall(r"`((?:" + "|".join(sorted(sections)) + r")\.[a-z_.]+)", TEXT)) - {
        "supergraph.graphql",
        "supergraph.yaml",
        "errors.py",
    }
    assert len(named) > 20
    prefixes = {path[:end] for path in known for end in range(len(path))}
    assert sorted(key for key in named if key not in known | prefixes) == []


def test_log_events_exist() -> None:
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for package in ("router", "servicekit")
        for path in (ROOT / package).rglob("*.py")
    )
    events = set(re.findall(r"\bline `([^`]+)`", TEXT))
    assert len(events) >= 4
    assert sorted(event for event in events if f'"{event}"' not in sources) == []
