"""Planning is bounded for every operation: many equal choices, deep abstract nesting, a thousand fields.

Each is planned within a bound, or refused; a plan whose search for a better one was ended is still right. Work is
counted in calls of functions, which are the same on any machine (`make bench` has the times).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from graphql import parse

from router.errors import PlanningError
from router.planner import Bounds, PlanOptions, plan
from router.planner.search_bounds import OUT_OF_TIME, OUT_OF_WORK
from tests.router.planner.adversarial import (
    CASES,
    GROWING,
    nested_fragments,
    ping_pong,
    shareable,
    supergraph,
)
from tests.router.planner.plan_checker import problems
from tests.work import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.plan import QueryPlan
    from router.supergraph import Supergraph

# About a fifth of a second of a core that does nothing else: a call takes 150 to 350 ns of planning.
MAX_CALLS = 800_000


@pytest.mark.parametrize("name", CASES)
def test_planning_stays_within_its_bound(name: str) -> None:
    graph, query = CASES[name]()
    assert _calls(plan, graph, query) < MAX_CALLS
    assert problems(graph, query, plan(graph, query)) == []


@pytest.mark.parametrize(
    "planned", [plan, partial(plan, options=PlanOptions(batch_entity_fetches=False))], ids=["batched", "one by one"]
)
@pytest.mark.parametrize("name", GROWING)
def test_work_grows_with_the_operation_and_no_faster(name: str, planned: Callable[..., QueryPlan]) -> None:
    small, large = (_calls(planned, *GROWING[name](count)) for count in (40, 160))
    assert large < 4.4 * small


def _calls(planned: Callable[..., QueryPlan], graph: Supergraph, query: str) -> int:
    document = parse(query, no_location=True)
    planned(graph, document)
    with counted() as work:
        planned(graph, document)
    return work.calls


@pytest.mark.parametrize(
    ("bounds", "hint"), [(Bounds(), OUT_OF_WORK), (Bounds(work=0), OUT_OF_WORK), (Bounds(seconds=0), OUT_OF_TIME)]
)
def test_a_search_that_ends_early_says_so(bounds: Bounds, hint: str) -> None:
    graph, query = shareable(100, 5)
    planned = plan(graph, query, options=PlanOptions(bounds=bounds))
    assert planned.hints == (hint,)
    assert problems(graph, query, planned) == []


def test_a_search_that_ends_says_nothing() -> None:
    graph, query = shareable(20, 2)
    assert plan(graph, query, options=PlanOptions(bounds=Bounds(work=1_000_000))).hints == ()


def test_what_cannot_be_planned_in_reasonable_time_is_refused_soon() -> None:
    """Types that differ at each level cannot be planned once for all."""
    names = "ABCDE"
    types = " ".join(f'type {name} implements N @key(fields: "id") {{ id: ID! next: N {name}: Int }}' for name in names)
    graph = supergraph({"a": f"type Query {{ n: N }} interface N {{ id: ID! next: N }} {types}"})
    selection = "{ id }"
    fragments = []
    for level in range(9):
        each = " ".join(f"... on {name} {{ {name} x{name}: next {{ ...F{level + 1} }} }}" for name in names)
        fragments.append(f"fragment F{level} on N {{ {each} }}")
    query = " ".join(["{ n { ...F0 } }", *fragments, f"fragment F9 on N {selection}"])
    document = parse(query, no_location=True)
    with counted(10 * MAX_CALLS), pytest.raises(PlanningError) as refused:
        plan(graph, document)
    assert [error.code for error in refused.value.errors] == ["QUERY_PLAN_COMPLEXITY_EXCEEDED"]


@pytest.mark.parametrize(("make", "size"), [(ping_pong, 100), (nested_fragments, 1000)])
def test_what_goes_deeper_than_the_interpreter_is_refused(
    make: Callable[[int], tuple[Supergraph, str]], size: int
) -> None:
    with pytest.raises(PlanningError) as refused:
        plan(*make(size))
    assert [error.code for error in refused.value.errors] == ["QUERY_PLAN_COMPLEXITY_EXCEEDED"]
