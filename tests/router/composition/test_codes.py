from __future__ import annotations

from pathlib import Path
from typing import get_args

from router.composition.codes import HINT_LEVELS, ErrorCode, HintCode

SOURCES = Path("router/composition")
RAISED_ELSEWHERE = {
    "INVALID_FEDERATION_SUPERGRAPH": "when something is loaded that is no supergraph",
    "UNSUPPORTED_LINKED_FEATURE": "when a supergraph is loaded that links, for SECURITY, what nobody knows",
}
NEVER_HINTED = {
    "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_LOCATIONS": "of a composed directive the newest definition counts",
    "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_REPEATABLE": "the same",
}


def _sources() -> str:
    files = [path for path in SOURCES.rglob("*.py") if path.name != "codes.py" and "explain" not in path.parts]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    # The roots' codes share a pattern with the links' errors: all are written out somewhere in full.
    return text + Path("router/federation/links.py").read_text(encoding="utf-8")


def test_every_error_code_is_raised_somewhere_under_its_full_name() -> None:
    sources = _sources()
    missing = {code for code in get_args(ErrorCode) if f'"{code}"' not in sources}
    assert missing == RAISED_ELSEWHERE.keys()


def test_every_hint_code_is_given_somewhere_and_has_a_level() -> None:
    sources = _sources()
    missing = {code for code in get_args(HintCode) if f'"{code}"' not in sources}
    assert missing == NEVER_HINTED.keys()
    assert set(get_args(HintCode)) == HINT_LEVELS.keys()
