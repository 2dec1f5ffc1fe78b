from __future__ import annotations

import pytest
from graphql import build_schema, parse

from router.executor.graphql.collect_fields import FieldCollector, UndeterminedType
from router.get_operation import get_operation

SCHEMA = build_schema("""
  type Query { media: Media any: Any }
  interface Media { id: ID title(of: Int): String part: Media }
  type Book implements Media { id: ID title(of: Int): String part: Media pages: Int }
  type Film implements Media { id: ID title(of: Int): String part: Media minutes: Int }
  union Any = Book | Film
""")


def collected(typename: str, query: str, **variables: object) -> dict[str, int]:
    """Return the response keys below `media`, each with the number of its field nodes."""
    operation = get_operation(SCHEMA, parse(query))
    collector = FieldCollector(SCHEMA, operation.fragments, variables)
    (media,) = collector.collect("Query", (operation.definition.selection_set,)).values()
    return {key: len(nodes) for key, nodes in collector.subfields(typename, media).items()}


@pytest.mark.parametrize(
    ("typename", "selected", "keys"),
    [
        ("Book", "id title", ["id", "title"]),
        ("Book", "title ... on Book { pages } ... on Film { minutes }", ["title", "pages"]),
        ("Film", "title ... on Book { pages } ... on Film { minutes }", ["title", "minutes"]),
        ("Book", "... on Media { b: title } ... { a: title }", ["b", "a"]),
        ("Book", "id @skip(if: true) title @include(if: false) part { id }", ["part"]),
        ("Media", "id title", ["id", "title"]),
    ],
)
def test_the_fields_of_a_type_in_the_clients_order(typename: str, selected: str, keys: list[str]) -> None:
    assert list(collected(typename, f"{{ media {{ {selected} }} }}")) == keys


def test_nodes_with_one_response_key_are_merged() -> None:
    query = "{ media { part { id } ...F } media { part { title } } } fragment F on Book { part { id } }"
    assert collected("Book", query) == {"part": 3}


@pytest.mark.parametrize(("on", "keys"), [(True, ["title"]), (False, ["id"])])
def test_conditions_read_variables(*, on: bool, keys: list[str]) -> None:
    query = "query($on: Boolean!) { media { id @skip(if: $on) title @include(if: $on) } }"
    assert list(collected("Book", query, on=on)) == keys


@pytest.mark.parametrize("selected", ["id ... on Book { pages }", "... on Book { t: title(of: 1) } t: title"])
def test_an_interface_whose_types_get_different_fields_is_undetermined(selected: str) -> None:
    with pytest.raises(UndeterminedType):
        collected("Media", f"{{ media {{ {selected} }} }}")


@pytest.mark.parametrize("selected", ["id ... on Book { id }", "title(of: 1) ... on Film { title(of: 1) }"])
def test_a_leaf_that_all_types_have_makes_no_difference(selected: str) -> None:
    assert len(collected("Media", f"{{ media {{ {selected} }} }}")) == 1


def test_the_fields_for_any_type_are_those_of_all_fragments() -> None:
    query = "{ media { id ... on Book { pages } ...F } } fragment F on Film { minutes ...F }"
    operation = get_operation(SCHEMA, parse(query))
    collector = FieldCollector(SCHEMA, operation.fragments, {})
    (media,) = collector.collect("Query", (operation.definition.selection_set,)).values()
    assert set(collector.all_subfields(media)) == {"id", "pages", "minutes"}
