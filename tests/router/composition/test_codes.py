"""Covers `router/composition/error_codes.py`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from router.composition.error_codes import HINT_LEVELS, ErrorCode, HintCode

SOURCES = Path("router/composition")
REPORTED_ELSEWHERE = {
    "INVALID_FEDERATION_SUPERGRAPH": "when a text that is not a supergraph is loaded",
    "UNSUPPORTED_LINKED_FEATURE": "when a supergraph is loaded that links an unknown specification for SECURITY",
}
NEVER_REPORTED = {
    "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_LOCATIONS": "the newest definition of a composed directive counts",
    "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_REPEATABLE": "the same",
}


REPORTED_IN_SEVERAL_FILES = {
    "INVALID_LINK_DIRECTIVE_USAGE": "of a link, of a link beside federation's, and of a name in the supergraph",
    "TYPE_DEFINITION_INVALID": "compared with the specification, and removed before that",
    "EXTENSION_WITH_NO_BASE": "checked before the upgrade of Federation 1, and at the merge for Federation 2",
    "INTERFACE_OBJECT_USAGE_ERROR": "in one subgraph, between Federation 1 and 2, and between all subgraphs",
    "INVALID_GRAPHQL": "every step of reading, and the merged schema",
    "INVALID_SUBGRAPH_NAME": "an invalid name, and a repeated name",
    "KEY_INVALID_FIELDS": "in one subgraph, and in the merged schema",
    "NO_QUERIES": "no subgraphs at all, and no subgraph with a query",
    "PROVIDES_INVALID_FIELDS": "in one subgraph, and in the merged schema",
    "REQUIRES_INVALID_FIELDS": "in one subgraph, and in the merged schema",
    "UNSUPPORTED_FEATURE": "alternatives multiply where they are merged and where they are inherited",
}


def _sources() -> dict[Path, str]:
    files = [path for path in SOURCES.rglob("*.py") if path.name != "error_codes.py" and "explain" not in path.parts]
    # The codes of links are in another package.
    return {path: path.read_text(encoding="utf-8") for path in (*files, Path("router/federation/link_directives.py"))}


def _files_with(code: str) -> list[str]:
    return [path.name for path, text in _sources().items() if f'"{code}"' in text]


def test_a_code_is_reported_in_one_file() -> None:
    several = {code for code in get_args(ErrorCode) if len(_files_with(code)) > 1}
    assert several <= REPORTED_IN_SEVERAL_FILES.keys()


def test_a_rule_that_is_named_after_a_code_reports_it() -> None:
    rules = [path for path in _sources() if path.parent.name in ("rules", "supergraph_rules")]
    named = [path for path in rules if path.stem.upper() in get_args(ErrorCode)]
    assert len(named) > 10
    assert [path for path in named if path.name not in _files_with(path.stem.upper())] == []


def test_every_error_code_is_reported_under_its_full_name() -> None:
    sources = "\n".join(_sources().values())
    missing = {code for code in get_args(ErrorCode) if f'"{code}"' not in sources}
    assert missing == REPORTED_ELSEWHERE.keys()


def test_every_hint_code_is_reported_and_has_a_level() -> None:
    sources = "\n".join(_sources().values())
    missing = {code for code in get_args(HintCode) if f'"{code}"' not in sources}
    assert missing == NEVER_REPORTED.keys()
    assert set(get_args(HintCode)) == HINT_LEVELS.keys()
