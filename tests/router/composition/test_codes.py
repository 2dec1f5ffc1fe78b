"""Covers `router/composition/error_codes.py`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from router.composition.error_codes import HINT_LEVELS, ErrorCode, HintCode

SOURCES = Path("router/composition")
RAISED_ELSEWHERE = {
    "INVALID_FEDERATION_SUPERGRAPH": "when something is loaded that is no supergraph",
    "UNSUPPORTED_LINKED_FEATURE": "when a supergraph is loaded that links, for SECURITY, what nobody knows",
}
NEVER_HINTED = {
    "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_LOCATIONS": "of a composed directive the newest definition counts",
    "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_REPEATABLE": "the same",
}


RAISED_IN_SEVERAL_FILES = {
    "EXTENSION_WITH_NO_BASE": "Federation 1 asks before the upgrade, Federation 2 at the merge",
    "INTERFACE_OBJECT_USAGE_ERROR": "in one subgraph, between Federation 1 and 2, and between all subgraphs",
    "INVALID_GRAPHQL": "every step of reading, and the merged schema",
    "INVALID_SUBGRAPH_NAME": "a name by itself, and one given twice",
    "KEY_INVALID_FIELDS": "in one subgraph, and in what is merged",
    "NO_QUERIES": "no subgraphs at all, and none with a query",
    "PROVIDES_INVALID_FIELDS": "in one subgraph, and in what is merged",
    "REQUIRES_INVALID_FIELDS": "in one subgraph, and in what is merged",
    "UNSUPPORTED_FEATURE": "alternatives multiply where they are merged and where they are inherited",
}


def _sources() -> dict[Path, str]:
    files = [path for path in SOURCES.rglob("*.py") if path.name != "error_codes.py" and "explain" not in path.parts]
    # The roots' codes share a pattern with the links' errors: all are written out somewhere in full.
    return {path: path.read_text(encoding="utf-8") for path in (*files, Path("router/federation/link_directives.py"))}


def _files_with(code: str) -> list[str]:
    return [path.name for path, text in _sources().items() if f'"{code}"' in text]


def test_where_an_error_is_raised_is_found_in_one_step() -> None:
    several = {code for code in get_args(ErrorCode) if len(_files_with(code)) > 1}
    assert several <= RAISED_IN_SEVERAL_FILES.keys()


def test_a_rule_that_is_named_after_a_code_raises_it() -> None:
    rules = [path for path in _sources() if path.parent.name in ("rules", "supergraph_rules")]
    named = [path for path in rules if path.stem.upper() in get_args(ErrorCode)]
    assert len(named) > 10
    assert [path for path in named if path.name not in _files_with(path.stem.upper())] == []


def test_every_error_code_is_raised_somewhere_under_its_full_name() -> None:
    sources = "\n".join(_sources().values())
    missing = {code for code in get_args(ErrorCode) if f'"{code}"' not in sources}
    assert missing == RAISED_ELSEWHERE.keys()


def test_every_hint_code_is_given_somewhere_and_has_a_level() -> None:
    sources = "\n".join(_sources().values())
    missing = {code for code in get_args(HintCode) if f'"{code}"' not in sources}
    assert missing == NEVER_HINTED.keys()
    assert set(get_args(HintCode)) == HINT_LEVELS.keys()
