"""The value of a `@fromContext` argument is a leaf of an ancestor, and a variable of the field's fetch."""

from __future__ import annotations

from router.composition import Subgraph, compose
from router.plan import Key, Parent, TypeIs
from router.planner.walk.context_arguments import context_arguments
from router.supergraph import load
from tests.router.planner.walk.walking import Walk, path_of

LINK = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: [
  "@key", "@context", "@fromContext", "@shareable"
])
"""
SDL = """
type Query { shop: Shop }
type Shop @key(fields: "id") @context(name: "shop") { id: ID! currency: String! item: Item }
type Item @key(fields: "id") { id: ID! price(unit: String @fromContext(field: "$shop { currency }")): Int }
"""
OTHER = 'type Item @key(fields: "id") { id: ID! name: String }'


def walk_over(query: str) -> Walk:
    composition = compose([Subgraph("a", "http://a", LINK + SDL), Subgraph("b", "http://b", LINK + OTHER)])
    assert composition.supergraph_sdl is not None, composition.errors
    return Walk.on(load(composition.supergraph_sdl), query)


def test_the_value_is_read_at_the_nearest_object_that_sets_the_context() -> None:
    walk = walk_over("{ shop { item { price } } }")
    (option,) = walk.leaf("shop.item.price").options
    (choice,) = option.key_choices
    assert [path_of(leaf) for leaf in choice.leaves] == ["shop.item.id", "shop.currency"]
    (value,) = option.contexts
    assert (value.variable, value.type) == ("Item_price_unit", "String")
    (rewrite,) = value.rewrites
    assert rewrite.path == (Parent(), TypeIs(("Shop",)), Key("currency"))
    assert rewrite.name == "Item_price_unit"


def test_without_such_an_object_the_field_has_no_arguments() -> None:
    walk = walk_over("{ shop { id item { price } } }")
    shop = walk.leaf("shop.id").node
    (edge,) = [edge for _, edge in walk.explorer.graph.requiring("Item", "price")]
    assert context_arguments(walk.explorer.graph, walk.explorer.key_leaves, shop, "price", edge) is None
