"""A field of an interface is expanded if its subselections need it, or if the whole plan then costs less."""

from __future__ import annotations

import pytest
from graphql import parse

from router.errors import PlanningError
from router.planner import plan
from router.supergraph import load
from tests.router.planner.federation import composed
from tests.router.planner.walk.walking import Walk

ITEM = """
  type Query { item: Item }
  interface Item { price: Price }
  type Price @shareable { amount: Int }
  type Book implements Item @key(fields: "id") { id: ID! price: Price @shareable }
  type Pen implements Item @key(fields: "id") { id: ID! price: Price @shareable }
"""
PRICES = """
  type Price @shareable { amount: Int currency: String }
  type Book @key(fields: "id") { id: ID! price: Price @shareable }
  type Pen @key(fields: "id") { id: ID! price: Price @shareable }
"""


def test_a_field_whose_subselection_is_elsewhere_is_expanded() -> None:
    """Was: "No sequence of fetches resolves Price.currency"."""
    walk = Walk.over("{ item { price { currency } } }", a=ITEM, b=PRICES)
    assert walk.paths() == ["item.price.currency", "item.price.currency"]
    assert [leaf.options[0].subgraph for leaf in walk.leaves] == ["b", "b"]


def test_a_field_whose_subselections_are_here_stays_on_the_interface() -> None:
    assert Walk.over("{ item { price { amount } } }", a=ITEM, b=PRICES).paths() == ["item.price.amount"]


def test_a_field_that_no_type_resolves_elsewhere_cannot_be_expanded() -> None:
    """The supergraph is written by hand: composition refuses such subgraphs."""
    sdl = composed(a=ITEM, b=PRICES).sdl.replace("price: Price\n", "price: Price @join__field(graph: A)\n")
    with pytest.raises(PlanningError, match=r"Price\.currency at item\.price\.currency"):
        plan(load(sdl), parse("{ item { price { currency } } }"))


def test_a_deep_operation_that_cannot_be_planned_fails_soon() -> None:
    """Each of the 60 levels has two ways: 2 ** 60 walks, if failures were not remembered and ways not pruned."""
    a = """
      type Query { item: Item }
      interface Item { next: Item wrap: Wrap }
      type Wrap @shareable { n: Int }
      type Book implements Item @key(fields: "id") { id: ID! next: Item @shareable wrap: Wrap @shareable }
      type Pen implements Item @key(fields: "id") { id: ID! next: Item @shareable wrap: Wrap @shareable }
    """
    b = a.replace("type Query { item: Item }", "").replace("n: Int", "n: Int m: Int")
    sdl = composed(a=a, b=b).sdl
    external = sdl.replace("m: Int @join__field(graph: B)", "m: Int @join__field(graph: B, external: true)")
    assert external != sdl
    query = "{ item " + "{ next " * 60 + "{ wrap { m } }" + " }" * 61
    with pytest.raises(PlanningError, match=r"Wrap\.m"):
        plan(load(external), parse(query))


SHELF = """
  type Query { item: Item }
  interface Item { id: ID! author: String }
  type Book implements Item @key(fields: "id") { id: ID! author: String @shareable }
  type Pen implements Item @key(fields: "id") { id: ID! author: String @shareable }
"""
AUTHORS = 'type Book @key(fields: "id") { id: ID! author: String @shareable }'


def test_a_field_that_stays_on_the_interface_is_noted_if_the_object_types_have_other_options() -> None:
    search = Walk.over("{ item { author } }", a=SHELF, b=AUTHORS).search
    assert not search.expandable
    ((field, leaves),) = search.expandable_if_alone.items()
    assert field == (("item",), "Item", "author", "author")
    assert [leaf.selection.name for leaf in leaves] == ["author"]


def test_a_field_without_other_options_is_not_noted() -> None:
    assert not Walk.over("{ item { author } }", a=SHELF).search.expandable_if_alone
