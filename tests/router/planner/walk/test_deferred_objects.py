"""The object of a deferred fragment has its own node, whose fetches belong to the fragment's block."""

from __future__ import annotations

from msgspec.structs import replace

from router.planner.walk.deferred_objects import add_root_options, split_deferred
from router.planner.walk.nodes_and_options import ObjectNode
from tests.router.planner.walk.walking import Walk, text_of

A = 'type Query { item: Item other: Int } type Item @key(fields: "id") { id: ID! name: String @shareable }'
B = 'type Item @key(fields: "id") { id: ID! name: String @shareable price: Int }'


def test_an_operation_root_is_entered_in_each_subgraph() -> None:
    node = ObjectNode("Query")
    add_root_options(node, ["a", "b"])
    assert [(text_of(option), option.stage, option.needed_fetches) for option in node.direct] == [
        ("a", 0, {((), "a", ""): 0}),
        ("b", 0, {((), "b", ""): 0}),
    ]


def test_a_deferred_field_is_fetched_by_a_key_even_from_the_same_subgraph() -> None:
    walk = Walk.over("{ item { id ... @defer { name } } }", defer=True, a=A, b=B)
    assert walk.options("item.id") == {"a.item"}
    assert walk.options("item.name") == {"->a(item.id)", "->b(item.id)"}
    node = walk.leaf("item.name").node
    assert (node.is_deferred, node.block is not None, node.track) == (True, True, ("item", "@defer 0"))


def test_without_a_key_a_deferred_field_comes_with_the_enclosing_block() -> None:
    a = "type Query { item: Item } type Item { id: ID! name: String }"
    walk = Walk.over("{ item { id ... @defer { name } } }", defer=True, a=a)
    assert walk.options("item.name") == {"a.item later"}


def test_a_deferred_operation_root_is_entered_again() -> None:
    walk = Walk.over("{ item { id } ... @defer { other } }", defer=True, a=A)
    (option,) = walk.leaf("other").options
    assert text_of(option) == "a"
    assert option.node is not walk.root
    assert not option.node.is_deferred


def test_items_are_split_by_the_outermost_fragment() -> None:
    walk = Walk.over("{ item { id } }", a=A)
    selection = walk.leaves[0].node.selection
    assert selection is not None
    (item,) = walk.explorer.normaliser.selected_fields(selection.below, "Item")
    inner, outer = replace(item, deferred=(2,)), replace(item, deferred=(1, 2))
    assert split_deferred([item, outer, inner]) == ([item], {1: [inner], 2: [item]})
