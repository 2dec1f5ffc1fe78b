"""A field is resolved by direct options, hops, and hops with requirements."""

from __future__ import annotations

import pytest

from router.planner import plan
from tests.router.planner.federation import composed
from tests.router.planner.walk.walking import Walk, text_of

A = """
  type Query { media: Media @shareable }
  interface Media @key(fields: "id") { id: ID! title: String }
  type Book implements Media @key(fields: "id") { id: ID! title: String @shareable }
"""
STARS = """
  type Query { media: Media @shareable }
  type Media @key(fields: "id") @interfaceObject { id: ID! stars: Int }
"""


def test_an_interface_object_does_not_know_the_type() -> None:
    walk = Walk.over("{ media { __typename } }", a=A, b=STARS)
    assert walk.options("media.__typename") == {"a.media"}
    knowing = {option.subgraph: walk.explorer.option_finder.knows_type(option) for option in walk.leaves[0].node.direct}
    assert knowing == {"a": True, "b": False}


def test_if_only_an_interface_object_is_direct_the_type_comes_from_a_hop() -> None:
    walk = Walk.over(
        "{ top { __typename } }",
        a=A,
        b='type Query { top: Media } type Media @key(fields: "id") @interfaceObject { id: ID! stars: Int }',
    )
    assert walk.options("top.__typename") == {"->a(top.id)"}


def test_with_several_direct_options_a_hop_is_an_option_too() -> None:
    a = 'type Query { item: Item @shareable } type Item @key(fields: "id") { id: ID! name: String @shareable }'
    b = 'type Query { item: Item @shareable } type Item @key(fields: "id") { id: ID! }'
    walk = Walk.over("{ item { name } }", a=a, b=b)
    assert walk.options("item.name") == {"a.item", "->a(item.id)"}


def test_a_search_for_a_key_does_not_start_searches_for_hops() -> None:
    a = 'type Query { item: Item @shareable } type Item @key(fields: "id") { id: ID! name: String @shareable }'
    walk = Walk.over("{ item { id } }", a=a, b=a)
    leaf = walk.leaf("item.id")
    leaf.node.memory.hops = None
    found = walk.explorer.option_finder.options_for(leaf.node, leaf.selection, is_internal=True)
    assert [text_of(option) for option, _ in found] == ["a.item", "b.item"]
    assert leaf.node.memory.hops is None


@pytest.mark.parametrize("required", ["size weight", "weight size"])
def test_the_hop_of_one_required_field_is_an_option_of_the_others_in_any_order(required: str) -> None:
    supergraph = composed(
        a="""
          type Query { item: Item @shareable }
          type Item @key(fields: "id") { id: ID! tag: String part: Part @shareable }
          type Part @key(fields: "id", resolvable: false) { id: ID! }
        """,
        b=f"""
          type Query {{ item: Item @shareable @provides(fields: "part {{ size }}") }}
          type Item @key(fields: "id") {{
            id: ID! part: Part @external fit: Int @requires(fields: "part {{ {required} }}")
          }}
          type Part @key(fields: "id", resolvable: false) {{ id: ID! size: Int @external weight: Int @external }}
        """,
        c='type Part @key(fields: "id") { id: ID! size: Int @shareable weight: Int }',
    )
    assert [fetch.service_name for fetch in plan(supergraph, "{ item { tag fit } }").fetches()] == ["a", "c", "b"]


def test_a_provided_field_is_resolved_on_its_path_only() -> None:
    a = """
      type Query { item: Item plain: Item other: Item @provides(fields: "name") }
      type Item @key(fields: "id") { id: ID! name: String @external }
    """
    b = 'type Item @key(fields: "id") { id: ID! name: String @shareable }'
    walk = Walk.over("{ other { name } plain { name } }", a=a, b=b)
    assert walk.options("other.name") == {"a.other"}
    assert walk.options("plain.name") == {"->b(plain.id)"}
