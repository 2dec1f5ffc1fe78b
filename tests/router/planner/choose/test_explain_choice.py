"""An explanation has the subgraph of each field, the other options with their costs, and the refusals.

Covers `router/planner/choose/explain_choice.py`; `tests/router/cli/test_explain_plan.py` has its texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.planner import explain
from tests.router.planner.federation import composed

if TYPE_CHECKING:
    from router.planner.choose.explain_choice import FieldExplanation

A = 'type Query { item: Item } type Item @key(fields: "id") @key(fields: "sku region") { id: ID! sku: ID! region: ID! }'
B = """
  type Item @key(fields: "sku region") @key(fields: "id") {
    id: ID! sku: ID! @shareable region: ID! @shareable price: Int
  }
"""
C = 'type Other @key(fields: "id") { id: ID! }'


def explained(query: str) -> dict[str, FieldExplanation]:
    a = A.replace("sku: ID! region: ID!", "sku: ID! @shareable region: ID! @shareable")
    return {field.path: field for field in explain(composed(a=a, b=B, c=C), query).fields}


def test_a_field_of_one_subgraph_has_no_other_option() -> None:
    price = explained("{ item { price } }")["item.price"]
    assert price.chosen.subgraph == "b"
    assert price.reason == "no other subgraph can return it here"
    assert {refusal.subgraph: refusal.reason for refusal in price.refusals} == {
        "a": "does not resolve Item.price",
        "c": "does not define Item",
    }


def test_the_route_names_the_key_that_is_used() -> None:
    assert explained("{ item { price } }")["item.price"].chosen.route == "entity at item, given id from a"
    both = explained("{ item { sku region price } }")["item.price"]
    assert both.chosen.route == "entity at item, given sku region from a"


def test_another_option_has_the_cost_of_the_whole_plan_with_it() -> None:
    sku = explained("{ item { sku } }")["item.sku"]
    assert (sku.chosen.subgraph, sku.chosen.cost, sku.chosen.fetches) == ("a", 1000, 1)
    (other,) = sku.others
    assert (other.subgraph, other.stage, other.cost, other.fetches) == ("b", 1, 101_000, 2)
