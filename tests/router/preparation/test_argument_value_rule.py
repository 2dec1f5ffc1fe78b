"""Messages about literal values name the argument and the place inside its value."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse, validate

from router.preparation.argument_value_rule import ArgumentValueRule

SCHEMA = build_schema(
    """
    enum E { A }
    input F { min: Int, in: [F!], e: E }
    directive @d(x: Int) on FIELD
    type Query { a(f: F, n: Int, l: [Int]): Int  b(n: Int!): Int }
    """
)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{ a(n: "x") }', ["a(n:): Int cannot represent non-integer value."]),
        ('{ renamed: a(n: "x") }', ["a(n:): Int cannot represent non-integer value."]),
        ('{ a(l: [1, "x"]) }', ["a(l:) at 1: Int cannot represent non-integer value."]),
        ('{ a(f: {in: [{}, {min: "z"}]}) }', ["a(f:) at in.1.min: Int cannot represent non-integer value."]),
        ("{ a @d(x: true) }", ["@d(x:): Int cannot represent non-integer value."]),
        ('query ($v: Int = "x") { a(n: $v) }', ["$v: Int cannot represent non-integer value."]),
        ("{ b(n: null) }", ["b(n:): Expected value of non-null type 'Int!' not to be null."]),
        ("{ a(f: {e: B}) }", ["a(f:) at e: Value does not exist in 'E' enum."]),
        ('{ a(n: "x") b(n: "y") }', ["a(n:): ", "b(n:): "]),
        ("{ a(n: 1, f: {min: 2, in: [], e: A}, l: 3) b(n: 4) }", []),
    ],
)
def test_a_message_names_the_argument_and_the_place(document: str, expected: list[str]) -> None:
    errors = validate(SCHEMA, parse(document), [ArgumentValueRule], hide_suggestions=True)
    assert len(errors) == len(expected)
    for error, start in zip(errors, expected, strict=True):
        assert error.message.startswith(start)
        assert error.locations
