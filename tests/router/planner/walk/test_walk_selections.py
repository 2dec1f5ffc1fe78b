"""Selections become leaves, each with all options to fetch it."""

from __future__ import annotations

import pytest
from graphql import OperationDefinitionNode, SelectionSetNode, parse

from router.planner.walk.nodes_and_options import LeafSearch, UnplannableError
from tests.router.planner.walk.walking import Walk, path_of, text_of

A = 'type Query { item: Item } type Item @key(fields: "id") { id: ID! name: String @shareable }'
B = 'type Item @key(fields: "id") { id: ID! name: String @shareable price: Int }'


def test_a_leaf_has_an_option_in_each_subgraph_that_resolves_it() -> None:
    walk = Walk.over("{ item { price } }", a=A, b=B)
    assert walk.paths() == ["item.price"]
    assert walk.options("item.price") == {"->b(item.id)"}


def test_a_leaf_of_the_only_direct_option_needs_no_hop() -> None:
    assert Walk.over("{ item { name price } }", a=A, b=B).options("item.name") == {"a.item"}


def test_each_direct_option_gives_one_of_the_object_below() -> None:
    c = "type Query { box: Box @shareable } type Box @shareable { size: Int inner: Box }"
    walk = Walk.over("{ box { inner { size } } }", a=c, b=c)
    assert walk.options("box.inner.size") == {"a.box.inner", "b.box.inner"}


def test_an_object_whose_leaves_may_all_be_left_out_gets_a_typename() -> None:
    walk = Walk.over("query ($x: Boolean!) { item { name @include(if: $x) } }", a=A, b=B)
    assert walk.paths() == ["item.name", "item.__typename"]
    assert [leaf.is_internal for leaf in walk.leaves] == [False, True]


def test_a_field_that_nothing_resolves_is_reported_with_its_path() -> None:
    walk = Walk.over("{ item { name } }", a=A, b=B)
    (leaf,) = walk.leaves
    with pytest.raises(UnplannableError, match=r"resolves Item\.name at item\.name"):
        walk.explorer.descend(leaf.node, leaf.selection, [], LeafSearch())


def test_the_leaves_of_a_key_are_found_once() -> None:
    walk = Walk.over("{ item { name } }", a=A, b=B)
    item = walk.leaves[0].node
    key = _selection_set("{ id }")
    leaves = walk.explorer.key_leaves(item, key)
    assert leaves is not None
    assert [(path_of(leaf), leaf.is_internal, [text_of(one) for one in leaf.options]) for leaf in leaves] == [
        ("item.id", True, ["a.item"])
    ]
    assert walk.explorer.key_leaves(item, key) is leaves


def test_a_key_that_cannot_be_fetched_has_no_leaves() -> None:
    c = 'type Item @key(fields: "sku") { sku: ID! @inaccessible stock: Int @inaccessible }'
    walk = Walk.over("{ item { name } }", a=A, c=c)
    assert walk.explorer.key_leaves(walk.leaves[0].node, _selection_set("{ sku }")) is None


def test_keys_that_lead_through_one_object_share_its_node() -> None:
    a = """
      type Query { item: Item }
      type Item @key(fields: "maker { id }") { maker: Maker @shareable }
      type Maker @shareable { id: ID! name: String }
    """
    walk = Walk.over("{ item { maker { id } } }", a=a)
    item = walk.leaves[0].node.parent
    assert item is not None
    first, second = (
        walk.explorer.key_leaves(item, _selection_set(f"{{ maker {{ {name} }} }}")) for name in ("id", "name")
    )
    assert first is not None
    assert second is not None
    assert first[0].node is second[0].node
    assert first[0].node.internal_depth == 1
    assert first[0].node is not walk.leaves[0].node


def test_a_key_field_whose_response_key_is_taken_gets_an_alias() -> None:
    walk = Walk.over("{ item { id: name price } }", a=A, b=B)
    (option,) = walk.leaf("item.price").options
    (choice,) = option.key_choices
    assert [(leaf.selection.key, leaf.selection.name) for leaf in choice.leaves] == [("id__alias_0", "id")]


def test_paths_have_a_step_for_each_level_of_lists() -> None:
    a = "type Query { rows: [Row] } type Row { cells: [[Cell]] } type Cell { size: Int }"
    walk = Walk.over("{ rows { cells { size } } }", a=a)
    assert len(walk.leaf("rows.cells.size").node.path) == len(("rows", "@", "cells", "@", "@"))


def _selection_set(text: str) -> SelectionSetNode:
    (definition,) = parse(text, no_location=True).definitions
    assert isinstance(definition, OperationDefinitionNode)
    return definition.selection_set
