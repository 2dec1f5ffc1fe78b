"""The recorded corpus of composition cases: verdict, codes, hints and supergraph must be those of Apollo's composition.

Each deviation is a row in `DEVIATIONS`. A row whose case agrees is an error too, so the table stays correct.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from router.composition import Subgraph, compose
from tests.router.composition.semantics import supergraph_differences

CORPUS = Path("../shared/corpus/composition.jsonl.gz")
# The cases are divided into this many tests, so that workers share them evenly and no test reaches its time limit.
SHARDS = 16

DEVIATIONS: dict[str, str] = {}
"""Case → why our result is better, or why it cannot be that of Apollo's composition."""


@dataclass(frozen=True, slots=True)
class Case:
    identifier: str
    subgraphs: tuple[Subgraph, ...]
    expect: dict[str, Any]


@cache
def _cases() -> tuple[Case, ...]:
    if not CORPUS.exists():
        pytest.skip(f"{CORPUS} is not here")
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(
        Case(row["id"], tuple(Subgraph(s["name"], s["url"] or "", s["sdl"]) for s in row["subgraphs"]), row["expect"])
        for row in rows
    )


def _difference(case: Case) -> str | None:
    """The first difference between our result and the recorded one."""
    composition = compose(case.subgraphs)
    expect = case.expect
    if (composition.supergraph_sdl is not None) != expect["ok"]:
        return f"verdict: expected ok={expect['ok']}, got {[error.message for error in composition.errors]}"
    codes = sorted({error.code for error in composition.errors})
    if codes != expect["codes"]:
        return f"codes: expected {expect['codes']}, got {codes}"
    if composition.supergraph_sdl is None:
        return None
    hints = sorted({hint.code for hint in composition.hints})
    if hints != sorted(set(expect["hints"])):
        return f"hints: expected {expect['hints']}, got {hints}"
    differences = supergraph_differences(composition.supergraph_sdl, expect["supergraph"])
    return f"supergraph: {differences[0]}" if differences else None


@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_result_is_the_recorded_one(shard: int) -> None:
    cases = _cases()[shard::SHARDS]
    found = {case.identifier: problem for case in cases if (problem := _difference(case)) is not None}
    expected = {case.identifier for case in cases} & DEVIATIONS.keys()
    assert found.keys() == expected, found
