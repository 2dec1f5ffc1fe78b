from __future__ import annotations

import pytest
from graphql import build_schema

from router.executor.graphql.type_relations import is_subtype, possible_names

SCHEMA = build_schema("""
  type Query { any: Any }
  interface Node { id: ID }
  interface Media implements Node { id: ID }
  type Book implements Media & Node { id: ID }
  type Film implements Media & Node { id: ID }
  union Any = Book
  enum Colour { RED }
""")


@pytest.mark.parametrize(
    ("name", "of", "expected"),
    [
        ("Book", "Book", True),
        ("Book", "Media", True),
        ("Media", "Node", True),
        ("Book", "Any", True),
        ("Film", "Any", False),
        ("Media", "Book", False),
        ("Node", "Media", False),
        ("Colour", "Any", False),
        ("Unknown", "Node", False),
        ("Unknown", "Unknown", True),
        ("Book", "Unknown", False),
    ],
)
def test_a_type_is_a_subtype_of_itself_its_interfaces_and_unions(name: str, of: str, *, expected: bool) -> None:
    assert is_subtype(SCHEMA, name, of) is expected


@pytest.mark.parametrize(
    ("name", "expected"), [("Media", ["Book", "Film"]), ("Any", ["Book"]), ("Book", ["Book"]), ("Unknown", ["Unknown"])]
)
def test_possible_names_are_those_of_object_types(name: str, expected: list[str]) -> None:
    assert possible_names(SCHEMA, name) == expected
