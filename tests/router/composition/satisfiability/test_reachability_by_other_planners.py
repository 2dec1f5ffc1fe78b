"""Queries that this router plans, and the planners of other routers cannot.

`tests/peers/test_supergraph_compatibility.py` holds that they really cannot.
"""

from __future__ import annotations

import pytest

from router.composition import Composition, Subgraph, compose
from router.composition.satisfiability.reachability_by_other_planners import may_be_unplannable_elsewhere
from tests.router.composition.schemas import merged

LINK = """extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key", "@shareable", "@interfaceObject"])
"""
CODE = "UNPLANNABLE_BY_OTHER_ROUTERS"
LISTS = """
  type Query { list: List }
  type List @key(fields: "books { id }") { books: [Book] }
  type Book @key(fields: "id") { id: ID! }
"""
TITLES = """
  type List @key(fields: "books { id title }") { books: [Book] longest: Book }
  type Book @key(fields: "id") { id: ID! title: String%s }
"""
OWNED = """
  type Query { e: E a: A b: B }
  interface A @key(fields: "id") { id: ID! }
  interface B @key(fields: "id") { id: ID! }
  type E implements A & B @key(fields: "id") { id: ID! }
"""
AS_BOTH = """
  type A @interfaceObject @key(fields: "id") { id: ID! x: Int }
  type B @interfaceObject @key(fields: "id") { id: ID! y: Int }
"""


def _composed(*texts: str) -> Composition:
    return compose(Subgraph(name, "", LINK + text) for name, text in zip("abcd", texts, strict=False))


def _hints(composition: Composition) -> list[str]:
    assert composition.errors == ()
    return [hint.message for hint in composition.hints if hint.code == CODE]


def test_a_key_that_needs_a_field_of_its_own_subgraph_is_out_of_reach_for_others() -> None:
    (message,) = _hints(_composed(LISTS, TITLES % ""))
    assert "query {\n    list {\n      longest {" in message
    assert 'using key "books { id title }" of List: its fields cannot be fetched' in message


@pytest.mark.parametrize(
    "third",
    [
        pytest.param('type Book @key(fields: "id") { id: ID! title: String @shareable }', id="a third subgraph has it"),
        pytest.param('type List @key(fields: "books { id }") { books: [Book] @shareable longest: Book @shareable } '
                     'type Book @key(fields: "id") { id: ID! }', id="a third subgraph leads on"),
    ],
)  # fmt: skip
def test_another_subgraph_with_the_field_makes_it_reachable(third: str) -> None:
    lists = LISTS.replace("books: [Book]", "books: [Book] @shareable")
    titles = (
        (TITLES % " @shareable")
        .replace("[Book]", "[Book] @shareable")
        .replace("longest: Book", "longest: Book @shareable")
    )
    assert _hints(_composed(lists, titles, third)) == []


def test_interface_objects_of_one_entity_are_entered_as_the_last_by_name() -> None:
    found = _hints(_composed(OWNED, AS_BOTH))
    assert len(found) == 1
    assert "      x\n" in found[0]
    assert _hints(_composed(OWNED, AS_BOTH.split("\n  type B", maxsplit=1)[0])) == []


def test_a_key_whose_fields_are_everywhere_needs_no_second_search() -> None:
    everywhere = """
      type Query { user: User }
      type User @key(fields: "org { id }") { org: Org! @shareable }
      type Org @key(fields: "id") { id: ID! }
    """
    other = """
      type User @key(fields: "org { id }") { org: Org! @shareable name: String }
      type Org @key(fields: "id") { id: ID! }
    """
    assert not may_be_unplannable_elsewhere(merged(everywhere, other))
    assert may_be_unplannable_elsewhere(merged(LISTS, TITLES % ""))


def test_keys_that_need_each_other_end_the_search() -> None:
    """Each key needs a field of the subgraph that it leads to, below an object with such a key, and so on."""
    texts = [
        f"""
          type Query {{ {name}: X @shareable }}
          type X @key(fields: "y {{ {name} x {{ y {{ {name} }} }} }}") {{ y: Y @shareable of{name}: Int }}
          type Y @key(fields: "x {{ y {{ {name} }} }}") @key(fields: "id") {{
            id: ID! {name}: Int x: X @shareable of{name}: Int
          }}
        """
        for name in "pqrs"
    ]
    assert _hints(_composed(*texts)) != []
