"""Small cases, one for nearly every sentence of the specification, with the results of `@apollo/composition` 2.14.1.

`tests/cases/composition/recorded.jsonl` has subgraphs, codes, hints, and the supergraph without the definitions of the
join and link specifications. Where our result differs on purpose, `DEVIATIONS` says why.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from router.composition import Subgraph, compose
from tests.router.composition.semantics import supergraph_differences

RECORDED = Path(__file__).parents[2] / "cases" / "composition" / "recorded.jsonl"
CASES: dict[str, dict[str, Any]] = {
    row["name"]: row for row in map(json.loads, RECORDED.read_text(encoding="utf-8").splitlines())
}
# The recorded code of a case in which Apollo's composition raises an exception instead of returning a result.
CRASH = "CRASH"

DEVIATIONS: dict[str, str] = {
    "inacc_builtin": "the redefinition of a built-in scalar is dropped, and with it a link to an unused specification",
    "key_fragment_bad": "a type condition on a type that does not exist is not in the supergraph",
    "u_dir_join_exec": "a name of the supergraph's specifications has its own error message, not a syntax error",
    "u_type_join": "the same",
    "u_type_tag": "the same",
    "name_empty": "an empty name has its own error message, not a syntax error",
}


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name]["expect"]["codes"] != [CRASH]])
def test_the_result_is_the_recorded_one(name: str) -> None:
    assert (_difference(CASES[name]) is not None) == (name in DEVIATIONS), _difference(CASES[name])


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name]["expect"]["codes"] == [CRASH]])
def test_a_case_that_crashes_the_other_composition_has_a_result(name: str) -> None:
    composition = compose(_subgraphs(CASES[name]))
    assert (composition.supergraph_sdl is None) == bool(composition.errors)


def _subgraphs(case: dict[str, Any]) -> list[Subgraph]:
    return [Subgraph(each["name"], f"http://{each['name']}", each["sdl"]) for each in case["subgraphs"]]


def _difference(case: dict[str, Any]) -> str | None:
    composition = compose(_subgraphs(case))
    expect = case["expect"]
    codes = sorted({error.code for error in composition.errors})
    if codes != expect["codes"]:
        return f"codes: expected {expect['codes']}, got {codes} {[error.message for error in composition.errors]}"
    if composition.supergraph_sdl is None:
        return None
    hints = sorted({hint.code for hint in composition.hints})
    if hints != expect["hints"]:
        return f"hints: expected {expect['hints']}, got {hints}"
    machinery = ("join__", "link__", "@join__", "@link")
    differences = [
        each
        for each in supergraph_differences(composition.supergraph_sdl, expect["supergraph"])
        if not each.startswith(machinery) or each.startswith("join__Graph")
    ]
    return f"supergraph: {differences[0]}" if differences else None
