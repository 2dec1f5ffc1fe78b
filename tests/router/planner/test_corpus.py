"""Recorded planning cases: every plan valid, and with no more fetches and no more waiting than the peers need."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import TypedDict

import pytest

from router.planner import PlanOptions, plan
from router.supergraph import Supergraph, load
from tests.router.planner.plan_checker import depth, problems

CORPUS = Path(__file__).parents[3].parent / "shared" / "corpus" / "plans.json.gz"

# Apollo sends one representation for two fields that require the same field with different arguments, and so gives
# one of them the other's value: test_conflicting_requirements.py runs such a plan.
# The peers fetch the non-null `Product.b` below a `UserReview` too, where the client does not select it. If it fails
# there, the keys of the product are lost with it.
BETTER_RIGHT_THAN_FEW = {
    "arguments.multiple_requires_with_args_that_conflicts.0": 4,
    "issues.issue_281_test.0": 5,
}

# TypeA is known to one of the two subgraphs that could answer.
DROPPED = {
    "alias.conflict_list_type_in_interface_with_distinct_response_keys.0": {("i", "typeAField")},
}


class Measure(TypedDict):
    fetches: int
    depth: int


class Case(TypedDict):
    id: str
    supergraph: str
    query: str
    apollo: Measure
    best: int
    best_depth: int


class Corpus(TypedDict):
    supergraphs: dict[str, str]
    cases: list[Case]


def read_corpus() -> Corpus:
    if not CORPUS.exists():
        return {"supergraphs": {}, "cases": []}
    corpus: Corpus = json.loads(gzip.decompress(CORPUS.read_bytes()))
    return corpus


@cache
def supergraph(name: str) -> Supergraph:
    return load(read_corpus()["supergraphs"][name])


CASES = read_corpus()["cases"]


@pytest.mark.skipif(not CASES, reason="the recorded planning cases are not beside the checkout")
def test_the_corpus_has_cases() -> None:
    assert len(CASES) > 50


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_plan_is_valid_and_needs_no_more_than_the_peers(case: Case) -> None:
    graph = supergraph(case["supergraph"])
    planned = plan(graph, case["query"], options=PlanOptions(batch_entity_fetches=False))
    assert problems(graph, case["query"], planned, DROPPED.get(case["id"], set())) == []
    fetches = len(list(planned.fetches()))
    assert fetches <= BETTER_RIGHT_THAN_FEW.get(case["id"], case["best"])
    assert depth(planned) <= case["apollo"]["depth"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_planning_twice_gives_the_same_bytes(case: Case) -> None:
    text = read_corpus()["supergraphs"][case["supergraph"]]
    first, second = (plan(load(text), case["query"]) for _ in range(2))
    assert first.to_text() == second.to_text()
    assert json.dumps(first.to_json()) == json.dumps(second.to_json())
