from __future__ import annotations

import pytest
from graphql import build_schema, parse

from router.usage.used_coordinates import used_coordinates

SCHEMA = build_schema("""
directive @cached(ttl: Int) on FIELD
type Query { book(id: ID!): Book find(filter: Filter, kind: Kind): [Item] }
interface Item { name: String }
type Book implements Item { name: String pages: Int }
type Film implements Item { name: String }
input Filter { title: String deep: Deep }
input Deep { kind: Kind }
enum Kind { BOOK FILM }
""")


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ('{ book(id: "1") { pages } }', {"Query", "Query.book", "Query.book(id:)", "ID", "Book", "Book.pages", "Int"}),
        # A field of an interface is a field of each possible type.
        ("{ find { name } }", {"Query", "Query.find", "Item", "Item.name", "Book.name", "Film.name", "String"}),
        (
            "{ find { ... on Film { __typename } } }",
            {"Query", "Query.find", "Item", "Film", "Film.__typename", "String"},
        ),
        (
            "{ find(filter: {deep: {kind: FILM}}) { __typename } }",
            {
                *("Query", "Query.find", "Query.find(filter:)", "Filter", "Filter.deep", "Deep", "Deep.kind", "Kind"),
                *("Kind.FILM", "Item", "Item.__typename", "String"),
            },
        ),
        # The values of a variable are not known.
        (
            "query ($f: Filter) { find(filter: $f) { __typename } }",
            {
                *("Query", "Query.find", "Query.find(filter:)", "Filter", "Filter.title", "Filter.deep", "Deep"),
                *("Deep.kind", "Kind", "Kind.BOOK", "Kind.FILM", "String", "Item", "Item.__typename"),
            },
        ),
        (
            "{ find { __typename @cached(ttl: 1) } }",
            {"Query", "Query.find", "Item", "Item.__typename", "String", "@cached", "@cached(ttl:)", "Int"},
        ),
    ],
)
def test_the_coordinates_of_an_operation(operation: str, expected: set[str]) -> None:
    found = used_coordinates(SCHEMA, parse(operation))
    typename = {each for each in found if each.endswith(".__typename")} - expected
    assert found - typename == expected


def test_known_values_of_variables_replace_everything_in_their_types() -> None:
    document = parse("query ($f: Filter) { find(filter: $f) { name } }")
    found = used_coordinates(SCHEMA, document, frozenset({"Filter", "Filter.title"}))
    assert {"Filter", "Filter.title", "Query.find(filter:)"} <= found
    assert "Filter.deep" not in found
    assert "Filter.deep" in used_coordinates(SCHEMA, document)
