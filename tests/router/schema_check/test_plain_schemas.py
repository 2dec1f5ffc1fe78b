from __future__ import annotations

import pytest
from graphql import parse, print_schema, validate

from router.federation.sdl.parse_sdl import parse_sdl
from router.schema_check.plain_schemas import build_plain_schema
from router.schema_check.schema_sources import UnreadableSchema

IS_SUBGRAPH = "s.graphql: is the schema of a subgraph, but clients see only the composed schema. Name the list"


def test_a_schema_is_built() -> None:
    sdl = "directive @key(fields: String!) on OBJECT\n\ntype Query {\n  a: Int\n}"
    schema, problems = build_plain_schema("s.graphql", parse_sdl(sdl))
    assert (print_schema(schema), problems) == (sdl, ())


@pytest.mark.parametrize(
    ("sdl", "line"),
    [
        ("type Query { a: Int @x }", "s.graphql:1: Unknown directive '@x'."),
        ("type Query {\n  a: Int\n  a: Int\n}", "s.graphql:2: Field 'Query.a' can only be defined once."),
        ("type Query { a: I }\ninput I { a: Int }", "s.graphql:1: The type of Query.a must be Output Type"),
        ("type Query { a(b: Int = X): Int }", "s.graphql:1: Query.a(b:) has invalid default value"),
        (
            "type Query implements I { a: Int @deprecated }\ninterface I { a: Int }",
            "s.graphql:1: Interface field I.a is not deprecated",
        ),
    ],
)
def test_a_schema_with_problems_can_be_compared(sdl: str, line: str) -> None:
    schema, (problem,) = build_plain_schema("s.graphql", parse_sdl(sdl))
    assert str(problem).startswith(line)
    assert validate(schema, parse("{ a }")) == []


@pytest.mark.parametrize(
    ("sdl", "lines"),
    [
        (
            "type Query { a: A }\n\ntype B { b: C }",
            ["s.graphql:1: Unknown type 'A'.", "s.graphql:3: Unknown type 'C'."],
        ),
        ("type A { a: Int }", ["s.graphql: Query root type must be provided."]),
        ('type Query { a: Int }\ntype A @key(fields: "id") { id: ID }', [IS_SUBGRAPH]),
        ('extend schema @link(url: "https://specs.apollo.dev/federation/v2.9")\ntype Query { a: Int }', [IS_SUBGRAPH]),
        ('type Query { a: A }\nextend type A @key(fields: "id") { id: ID @external }', [IS_SUBGRAPH]),
    ],
)
def test_what_cannot_be_built_has_a_line_for_each_problem(sdl: str, lines: list[str]) -> None:
    with pytest.raises(UnreadableSchema) as caught:
        build_plain_schema("s.graphql", parse_sdl(sdl))
    found = str(caught.value).splitlines()
    assert len(found) == len(lines)
    assert all(line.startswith(expected) for line, expected in zip(found, lines, strict=True)), found
