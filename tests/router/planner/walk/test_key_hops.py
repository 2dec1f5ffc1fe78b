"""Each subgraph with a key that can be fetched gets a hop, with the lowest possible stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.planner.walk import key_hops
from router.planner.walk.nodes_and_options import PathStep
from tests.router.planner.walk.walking import Walk, text_of

if TYPE_CHECKING:
    import pytest

A = 'type Query { item: Item } type Item @key(fields: "id") { id: ID! name: String }'
B = 'type Item @key(fields: "id") @key(fields: "sku") { id: ID! sku: ID! }'
C = 'type Item @key(fields: "sku") { sku: ID! price: Int }'


def hops_of(walk: Walk, path: str) -> list[tuple[str, int]]:
    """Return the hops of the node of a leaf, each with its stage."""
    return [(text_of(hop), hop.stage) for hop in walk.explorer.hops.at(walk.leaf(path).node)]


def test_a_key_that_needs_another_hop_is_read_in_the_next_round() -> None:
    walk = Walk.over("{ item { price } }", a=A, b=B, c=C)
    assert hops_of(walk, "item.price") == [("->b(item.id)", 1), ("->c(item.sku)", 2)]
    (option,) = walk.leaf("item.price").options
    assert option.needed_fetches == {((), "a", ""): 0, (("item",), "b", ""): 1, (("item",), "c", ""): 2}
    assert option.unavoidable_fetches == frozenset(option.needed_fetches)


def test_hops_are_found_once() -> None:
    walk = Walk.over("{ item { price } }", a=A, b=B, c=C)
    node = walk.leaf("item.price").node
    assert walk.explorer.hops.at(node) is walk.explorer.hops.at(node)


def test_a_subgraph_with_a_direct_option_gets_no_hop() -> None:
    walk = Walk.over("{ item { name } }", a=A)
    assert hops_of(walk, "item.name") == []


def test_a_key_that_is_not_resolvable_gives_no_hop() -> None:
    c = 'type Item @key(fields: "id", resolvable: false) { id: ID! }'
    assert hops_of(Walk.over("{ item { name } }", a=A, c=c), "item.name") == []


def test_all_keys_of_an_entry_are_choices_of_one_hop() -> None:
    a = 'type Query { item: Item } type Item @key(fields: "id") @key(fields: "sku") { id: ID! sku: ID! }'
    c = 'type Item @key(fields: "sku") @key(fields: "id") { id: ID! sku: ID! price: Int }'
    walk = Walk.over("{ item { price } }", a=a, c=c)
    assert walk.options("item.price") == {"->c(item.sku|item.id)"}


def test_a_hop_has_the_requirements_of_its_field() -> None:
    a = 'type Query { item: Item } type Item @key(fields: "id") { id: ID! weight: Int }'
    b = 'type Item @key(fields: "id") { id: ID! weight: Int @external fee: Int @requires(fields: "weight") }'
    walk = Walk.over("{ item { fee } }", a=a, b=b)
    (option,) = walk.leaf("item.fee").options
    assert text_of(option) == "->b(item.id item.weight)"
    assert option.purpose == "fee"


def test_requirements_that_need_each_other_are_followed_once() -> None:
    a = """
      type Query { item: Item }
      type Item @key(fields: "id") { id: ID! first: Int second: Int @external third: Int @requires(fields: "second") }
    """
    b = 'type Item @key(fields: "id") { id: ID! first: Int @external second: Int @requires(fields: "first") }'
    walk = Walk.over("{ item { third } }", a=a, b=b)
    (option,) = walk.leaf("item.third").options
    assert option.stage == 2
    assert option.node.memory.in_progress == set()


def test_a_field_that_leads_to_the_query_root_enters_it_again_in_every_subgraph() -> None:
    a = "type Query { item: Item own: Int } type Item { back: Query }"
    b = "type Query { other: Int }"
    walk = Walk.over("{ item { back { other } } }", a=a, b=b)
    (option,) = walk.leaf("item.back.other").options
    assert (option.step, option.subgraph, option.stage) == (PathStep.QUERY_ROOT, "b", 1)
    assert text_of(option) == "a.item.back->>b"


def test_objects_in_keys_are_followed_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    a = """
      type Query { item: Item }
      type Item @key(fields: "id") { id: ID! maker: Maker }
      type Maker @key(fields: "id") { id: ID! }
    """
    b = 'type Maker @key(fields: "id") { id: ID! code: ID! @shareable }'
    c = """
      type Item @key(fields: "maker { code }") { maker: Maker @external price: Int }
      type Maker { code: ID! @shareable }
    """
    assert Walk.over("{ item { price } }", a=a, b=b, c=c).leaf("item.price").options[0].stage == 2
    monkeypatch.setattr(key_hops, "MAX_INTERNAL_DEPTH", 0)
    walk = Walk.over("{ item { id } }", a=a, b=b, c=c)
    assert hops_of(walk, "item.id") == []
    assert walk.explorer.hops.incomplete_results > 0
