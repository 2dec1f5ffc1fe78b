"""Disagreements that differential fuzzing found, reduced: one folder each, with what Apollo's composition answers.

A folder holds `subgraphs/*.graphql`, `expect.json` and, where it composes, `supergraph.graphql`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.composition import Subgraph, compose
from tests.peers import difference as differences
from tests.router.composition.semantics import supergraph_differences

CASES = Path(__file__).parents[2] / "cases" / "composition"

DEVIATIONS = {row.case: row.why for row in differences.DEVIATIONS} | {
    "key_fragment_on_other_type": "a condition that is never met is not in the supergraph, where others would heed it",
    "key_fragment_on_other_type_entered_by": "the same",
    "key_fragment_on_other_type_in_another": "the same",
}
"""Case → why our answer is better, or why it cannot be Apollo's. What Apollo's is stands in the case's folder."""


@pytest.mark.parametrize("name", sorted(folder.parent.name for folder in CASES.glob("*/expect.json")))
def test_the_answer_is_the_recorded_one(name: str) -> None:
    problem = _difference(CASES / name)
    assert (problem is not None) == (name in DEVIATIONS), problem


def _difference(folder: Path) -> str | None:
    composition = compose(subgraphs_of(folder))
    expected = json.loads((folder / "expect.json").read_text(encoding="utf-8"))
    answered = {
        "ok": composition.supergraph_sdl is not None,
        "codes": sorted({error.code for error in composition.errors}),
        "hints": sorted({hint.code for hint in composition.hints}) if not composition.errors else [],
    }
    if answered != expected:
        return f"{answered}, expected {expected}: {[error.message for error in composition.errors]}"
    recorded = folder / "supergraph.graphql"
    if composition.supergraph_sdl is None or not recorded.exists():
        return None
    parted = supergraph_differences(recorded.read_text(encoding="utf-8"), composition.supergraph_sdl)
    return "\n".join(parted) or None


def subgraphs_of(folder: Path) -> list[Subgraph]:
    return [
        Subgraph(file.stem, f"http://{file.stem}.test", file.read_text(encoding="utf-8"))
        for file in sorted((folder / "subgraphs").glob("*.graphql"))
    ]
