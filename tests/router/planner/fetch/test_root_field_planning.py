"""Drafts: one for a query, one for consecutive mutation fields of one subgraph."""

from __future__ import annotations

from router.planner import plan
from tests.router.planner.federation import composed
from tests.router.planner.plan_checker import depth

ORDER = 'type Order @key(fields: "id") { id: ID! @shareable'
ROOT = "type Query { q: Int @shareable }"


def subgraphs_of(query: str, **subgraphs: str) -> list[str]:
    return [fetch.service_name for fetch in plan(composed(**subgraphs), query).fetches()]


def test_neighbours_in_one_subgraph_share_a_fetch() -> None:
    a = f"{ROOT} type Mutation {{ place: Order drop: Order }} {ORDER} }}"
    assert subgraphs_of("mutation { place { id } drop { id } }", a=a) == ["a"]


def test_what_is_fetched_for_a_field_comes_before_the_next_field() -> None:
    a = f"{ROOT} type Mutation {{ place: Order drop: Order }} {ORDER} }}"
    b = f"{ORDER} total: Int }}"
    assert subgraphs_of("mutation { place { total } drop { id } }", a=a, b=b) == ["a", "b", "a"]


def test_a_mutation_goes_on_in_the_subgraph_of_the_field_before() -> None:
    a = f"{ROOT} type Mutation {{ both: Int @shareable }}"
    b = "type Mutation { both: Int @shareable own: Int }"
    assert subgraphs_of("mutation { own both }", a=a, b=b) == ["b"]


def test_of_subgraphs_with_equal_fetches_the_cheaper_one_runs_a_mutation() -> None:
    a = f"{ROOT} type Mutation {{ place: Order @shareable }} {ORDER} }}"
    b = f'type Mutation {{ place: Order @shareable @provides(fields: "note") }} {ORDER} note: String @external }}'
    c = f"{ORDER} note: String @shareable total: Int }}"
    planned = plan(composed(a=a, b=b, c=c), "mutation { place { note total } }")
    first, second = planned.fetches()
    assert (first.service_name, second.service_name) == ("b", "c")
    assert "note" not in second.operation
    assert depth(planned) == 2


def test_a_subscription_starts_in_one_subgraph() -> None:
    a = f"{ROOT} type Subscription {{ placed: Order }} {ORDER} }}"
    b = f"{ORDER} total: Int }}"
    assert subgraphs_of("subscription { placed { id total } }", a=a, b=b) == ["a", "b"]
