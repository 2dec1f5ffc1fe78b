"""An option has a fetch start, the fetches it needs, and the fetches that no choice of keys avoids."""

from __future__ import annotations

from router.planner.walk.nodes_and_options import (
    ObjectNode,
    PathOption,
    PathStep,
    fetch_start,
    without_dominated,
)
from tests.router.planner.walk.walking import Walk

A = 'type Query { item: Item @shareable } type Item @key(fields: "id") { id: ID! }'
B = 'type Query { item: Item @shareable } type Item @key(fields: "id") { id: ID! }'
C = 'type Item @key(fields: "id") { id: ID! price: Int }'

ROOT_A = ((), "a", "")
ROOT_B = ((), "b", "")
HOP_C = (("item",), "c", "")


def entered(subgraph: str) -> PathOption:
    node = ObjectNode("Query")
    return PathOption(PathStep.OPERATION_ROOT, node, subgraph, "Query", 0, {((), subgraph, ""): 0})


def test_the_unavoidable_fetches_of_a_hop_are_on_every_path() -> None:
    (option,) = Walk.over("{ item { price } }", a=A, b=B, c=C).leaf("item.price").options
    assert set(option.needed_fetches) == {ROOT_A, HOP_C}
    assert option.unavoidable_fetches == {HOP_C}


def test_with_one_path_all_fetches_are_unavoidable() -> None:
    a = A.replace("@shareable", "")
    (option,) = Walk.over("{ item { price } }", a=a, c=C).leaf("item.price").options
    assert option.unavoidable_fetches == {ROOT_A, HOP_C}


def test_the_fetch_start_of_an_option_identifies_its_fetch() -> None:
    walk = Walk.over("{ item { id } }", a=A, b=B)
    roots = [fetch_start(option) for option in walk.leaf("item.id").node.direct]
    assert [(root.step, root.fetch_id) for root in roots] == [
        (PathStep.OPERATION_ROOT, ROOT_A),
        (PathStep.OPERATION_ROOT, ROOT_B),
    ]


def test_an_option_that_needs_more_fetches_than_another_is_dropped() -> None:
    walk = Walk.over("{ item { id } }", a=A, b=B, c=C)
    node = walk.leaf("item.id").node
    (hop,) = [hop for hop in walk.explorer.hops.at(node) if hop.subgraph == "c"]
    a, b = node.direct
    assert without_dominated([a, b]) == (a, b)
    # The hop can read its key from either, so it needs neither for certain.
    assert without_dominated([a, hop]) == (a, hop)
    first = entered("a")
    deeper = PathOption(PathStep.OPERATION_ROOT, first.node, "c", "Query", 1, {**first.needed_fetches, HOP_C: 1})
    assert without_dominated([first, deeper]) == (first,)
    assert without_dominated([deeper, first]) == (first,)


def test_a_type_condition_is_that_of_a_branch() -> None:
    parent = ObjectNode("Media")
    assert ObjectNode("Book", parent=parent).type_condition == "Book"
    assert ObjectNode("Media", parent=parent).type_condition is None
    assert parent.type_condition is None


def test_a_node_has_a_memory_after_the_first_cached_result() -> None:
    node = ObjectNode("Item")
    node.memory.in_progress.add(("a", "price"))
    assert node.memory.in_progress == {("a", "price")}
