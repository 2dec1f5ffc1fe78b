"""Fetch starts in one subgraph, for the same objects and after the same fetches, share a fetch."""

from __future__ import annotations

from router.planner.choose.fetches_of_chosen_options import ChosenFetches
from tests.router.planner.federation import composed
from tests.router.planner.walk.walking import Walk

A = 'type Query { item: Item } type Item @key(fields: "id") { id: ID! width: Int height: Int }'
B = """
  type Item @key(fields: "id") {
    id: ID! price: Int
    width: Int @external fee: Int @requires(fields: "width")
    height: Int @external tax: Int @requires(fields: "height")
  }
"""
C = 'type Item @key(fields: "id") { id: ID! @shareable depth: Int }'


def costing_of(query: str, **subgraphs: str) -> ChosenFetches:
    """Return the fetches of the first options of all leaves."""
    walk = Walk.on(composed(**subgraphs), query)
    return ChosenFetches([leaf.options[0] for leaf in walk.leaves])


def fetches_of(chosen_fetches: ChosenFetches) -> list[tuple[str, int]]:
    return sorted((subgraph, fetch.stage) for (_, subgraph, _), fetch in chosen_fetches.fetches.items())


def test_hops_with_requirements_share_a_fetch_if_they_wait_for_the_same() -> None:
    chosen_fetches = costing_of("{ item { price fee tax } }", a=A, b=B)
    assert fetches_of(chosen_fetches) == [("a", 0), ("b", 1)]
    assert chosen_fetches.cost == 1000 + 100 * 1000
    assert chosen_fetches.rank == (chosen_fetches.cost, 2)


def test_they_do_not_share_it_if_they_wait_for_different_fetches() -> None:
    a = 'type Query { item: Item } type Item @key(fields: "id") { id: ID! height: Int }'
    c = 'type Item @key(fields: "id") { id: ID! width: Int }'
    chosen_fetches = costing_of("{ item { fee tax } }", a=a, b=B, c=c)
    assert fetches_of(chosen_fetches) == [("a", 0), ("b", 1), ("b", 2), ("c", 1)]
    assert chosen_fetches.cost == 1000 * (1 + 100 + 100 + 200)
    # Both fetches of `b` are for the same objects.
    assert chosen_fetches.rank == (chosen_fetches.cost, 3)


def test_fetched_has_the_ids_of_all_fetches() -> None:
    chosen_fetches = costing_of("{ item { price depth } }", a=A, b=B, c=C)
    assert chosen_fetches.fetched == {((), "a", ""), (("item",), "b", ""), (("item",), "c", "")}
    first, *later = chosen_fetches.fetches.values()
    assert first.after == {} or all(fetch.after for fetch in later)
