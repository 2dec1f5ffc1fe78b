"""Case folders in `tests/cases/planning`: per suite `subgraphs/*.graphql`, per case `query.graphql` and `plan.txt`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from router.composition import Subgraph, compose
from router.planner import plan
from router.supergraph import Supergraph, load
from tests.router.planner.plan_checker import problems

ROOT = Path(__file__).parents[2] / "cases" / "planning"
CASES = sorted(file.parent for file in ROOT.glob("*/*/query.graphql"))

# Below types that not every subgraph knows from which the object may come.
DROPPED = {"a-member-not-all-candidates-know": {("wide", "id")}}


@cache
def supergraph(suite: Path) -> Supergraph:
    files = sorted((suite / "subgraphs").glob("*.graphql"))
    composition = compose([Subgraph(file.stem, f"http://{file.stem}", file.read_text()) for file in files])
    assert composition.supergraph_sdl is not None, composition.errors
    return load(composition.supergraph_sdl)


def test_there_are_cases() -> None:
    assert CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_the_plan_is_the_one_the_case_says(case: Path) -> None:
    planned = plan(supergraph(case.parent), (case / "query.graphql").read_text())
    assert planned.to_text() + "\n" == (case / "plan.txt").read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_the_plan_is_valid(case: Path) -> None:
    graph, query = supergraph(case.parent), (case / "query.graphql").read_text()
    assert problems(graph, query, plan(graph, query), DROPPED.get(case.name, set())) == []
