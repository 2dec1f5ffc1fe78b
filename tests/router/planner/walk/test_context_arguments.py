"""The value of a `@fromContext` argument is a leaf of an ancestor, and a variable of the field's fetch."""

from __future__ import annotations

from router.composition import Subgraph, compose
from router.plan import Key, Parent, TypeIs
from router.planner.walk.context_arguments import ContextArgumentFinder
from router.planner.walk.nodes_and_options import fetch_start
from router.supergraph import load
from tests.router.planner.walk.walking import Walk, path_of

LINK = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: [
  "@key", "@context", "@fromContext", "@shareable", "@external"
])
"""
SDL = """
type Query { shop: Shop }
type Shop @key(fields: "id") @context(name: "shop") { id: ID! currency: String! item: Item }
type Item @key(fields: "id") { id: ID! price(unit: String @fromContext(field: "$shop { currency }")): Int }
"""
OTHER = 'type Item @key(fields: "id") { id: ID! name: String }'


def walk_over(query: str, one: str = SDL, other: str = OTHER) -> Walk:
    composition = compose([Subgraph("a", "http://a", LINK + one), Subgraph("b", "http://b", LINK + other)])
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
    finder = ContextArgumentFinder(walk.explorer.graph, walk.explorer.key_leaves)
    assert finder.find(shop, "price", edge) is None


def test_the_fetch_can_enter_above_if_the_value_comes_from_elsewhere() -> None:
    """The hop to the shop waits for the value, and one fetch brings the item with its price."""
    value_elsewhere = SDL.replace("currency: String!", "currency: String! @external")
    bank = """
      type Query { bank: Shop }
      type Shop @key(fields: "id") { id: ID! currency: String! }
    """
    walk = walk_over("{ bank { item { price } } }", value_elsewhere, bank + OTHER)
    own, above = walk.leaf("bank.item.price").options
    assert own.starts_fetch
    start = fetch_start(above)
    assert (start.node.keys, start.purpose) == (("bank",), "item.price")
    (choice,) = start.key_choices
    assert [path_of(leaf) for leaf in choice.leaves] == ["bank.id", "bank.currency"]
    (value,) = start.contexts
    assert value.rewrites[0].path == (TypeIs(("Shop",)), Key("currency"))


def test_the_fetch_does_not_enter_above_the_object_that_sets_the_context() -> None:
    """Its value would not be there yet, and could differ between the objects of one request."""
    mall = 'type Mall @key(fields: "id") { id: ID! shop: Shop }'
    walk = walk_over(
        "{ mall { shop { item { price } } } }",
        SDL + mall,
        "type Query { mall: Mall }" + mall.replace(" shop: Shop", ""),
    )
    assert [option.starts_fetch for option in walk.leaf("mall.shop.item.price").options] == [True]
