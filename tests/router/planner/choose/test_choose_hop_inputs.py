"""Chosen options are completed by the inputs of hops: forced inputs first, then the cheapest inputs."""

from __future__ import annotations

from router.planner.choose.choose_hop_inputs import ChosenPaths, Inputs
from router.planner.walk.nodes_and_options import fetch_start
from tests.router.planner.federation import composed
from tests.router.planner.walk.walking import Walk, path_of, text_of

A = """
  type Query { item: Item @shareable }
  type Item @key(fields: "id") @key(fields: "sku") { id: ID! sku: ID! @shareable }
"""
B = 'type Query { item: Item @shareable } type Item @key(fields: "id") { id: ID! name: String }'
C = 'type Item @key(fields: "sku") @key(fields: "id") { id: ID! sku: ID! @shareable price: Int }'


def read_by(inputs: Inputs) -> list[str]:
    return [f"{path_of(leaf)} from {text_of(option)}" for leaf, option in inputs]


def test_a_key_is_read_from_a_fetch_that_is_made_anyway() -> None:
    walk = Walk.over("{ item { name price } }", a=A, b=B, c=C)
    (name,) = [option for option in walk.leaf("item.name").options if text_of(option) == "b.item"]
    (price,) = walk.leaf("item.price").options
    chosen = ChosenPaths([name, price])
    chosen.decide_hops(weigh_costs=False)
    assert read_by(chosen.inputs[price]) == ["item.id from b.item"]
    assert {start.subgraph for start in chosen.starts} == {"b", "c"}
    assert chosen.hops_with_choice == [price]


def test_a_hop_with_a_choice_of_keys_is_decided_last() -> None:
    walk = Walk.over("{ item { price } }", a=A, b=B, c=C)
    (price,) = walk.leaf("item.price").options
    chosen = ChosenPaths([price])
    chosen.decide_hops(weigh_costs=False)
    assert chosen.inputs == {}
    chosen.decide_hops(weigh_costs=True)
    assert [start.subgraph for start in chosen.starts] == ["c", "a"]
    assert read_by(chosen.inputs[price]) == ["item.sku from a.item"]


def test_a_key_with_one_option_is_chosen_with_the_hop() -> None:
    a = 'type Query { item: Item } type Item @key(fields: "id") { id: ID! }'
    walk = Walk.over("{ item { price } }", a=a, c='type Item @key(fields: "id") { id: ID! price: Int }')
    (price,) = walk.leaf("item.price").options
    chosen = ChosenPaths([price])
    assert [start.subgraph for start in chosen.starts] == ["c", "a"]
    chosen.decide_hops(weigh_costs=False)
    assert chosen.hops_with_choice == []


def test_the_cheapest_option_is_one_that_is_fetched_anyway() -> None:
    walk = Walk.over("{ item { name price } }", a=A, b=B, c=C)
    first, second = walk.leaf("item.price").node.direct
    chosen = ChosenPaths([second])
    assert chosen.cheapest([first, second]) is second
    assert ChosenPaths().cheapest([first, second]) is first


def test_given_inputs_are_not_changed() -> None:
    walk = Walk.over("{ item { price } }", a=A, b=B, c=C)
    (price,) = walk.leaf("item.price").options
    (by_id,) = [choice for choice in price.key_choices if path_of(choice.leaves[0]) == "item.id"]
    (from_b,) = [option for option in by_id.leaves[0].options if option.subgraph == "b"]
    chosen = ChosenPaths([price], {fetch_start(price): ((by_id.leaves[0], from_b),)})
    chosen.decide_hops(weigh_costs=True)
    assert read_by(chosen.inputs[price]) == ["item.id from b.item"]
    assert {start.subgraph for start in chosen.starts} == {"b", "c"}


SCALES = 'type Item @key(fields: "id") { id: ID! weight: Int @shareable }'
RULERS = 'type Item @key(fields: "id") { id: ID! size: Int @shareable }'
WAREHOUSE = 'type Item @key(fields: "id") { id: ID! weight: Int @shareable size: Int @shareable }'


def decided(query: str, **consumers: str) -> list[str]:
    """The subgraphs of the fetches for the last fields of a query, with all their inputs."""
    shop = 'type Query { item: Item } type Item @key(fields: "id") { id: ID! }'
    supergraph = composed(shop=shop, scales=SCALES, rulers=RULERS, warehouse=WAREHOUSE, **consumers)
    walk = Walk.on(supergraph, query)
    chosen = ChosenPaths([leaf.options[0] for leaf in walk.leaves])
    chosen.decide_hops(weigh_costs=True)
    return sorted(start.subgraph for start in chosen.starts)


def test_of_equal_fetches_the_one_for_most_inputs_of_a_hop_is_chosen() -> None:
    post = """
      type Item @key(fields: "id") {
        id: ID! weight: Int @external size: Int @external postage: Int @requires(fields: "weight size")
      }
    """
    assert decided("{ item { postage } }", post=post) == ["post", "shop", "warehouse"]


def test_of_equal_fetches_the_one_for_inputs_of_other_hops_is_chosen() -> None:
    post = 'type Item @key(fields: "id") { id: ID! weight: Int @external stamp: Int @requires(fields: "weight") }'
    boxes = 'type Item @key(fields: "id") { id: ID! size: Int @external box: Int @requires(fields: "size") }'
    assert decided("{ item { stamp box } }", post=post, boxes=boxes) == ["boxes", "post", "shop", "warehouse"]
