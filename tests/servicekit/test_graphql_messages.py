"""Messages of graphql-core do not repeat the values that they refuse, whatever the values look like."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from graphql import (
    GraphQLSyntaxError,
    OperationDefinitionNode,
    build_schema,
    get_variable_values,
    parse,
    print_ast,
    validate,
)
from graphql.language import StringValueNode
from hypothesis import given
from hypothesis import strategies as st

from servicekit.graphql_messages import without_values

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = build_schema(
    """
    enum E { ALPHA BETA }
    input F { name: String!  min: Int  in: [F!]  e: E  c: Custom }
    input O @oneOf { a: Int  b: String }
    scalar Custom
    type Query { a(f: F, o: O, i: Int, x: Float, s: String, b: Boolean, id: ID, e: E, l: [[Int!]!], c: Custom): Int }
    """
)


def custom(value: object) -> object:
    raise ValueError(f"{value!r} is not custom")


SCHEMA.type_map["Custom"].coerce_input_value = custom  # type: ignore[attr-defined] # a scalar that refuses each value

ARGUMENTS = {"f": "F", "o": "O", "i": "Int", "x": "Float", "s": "String", "b": "Boolean", "id": "ID", "e": "E"} | {
    "l": "[[Int!]!]",
    "c": "Custom",
}
# It is not similar to a name of the schema, so no suggestion contains it.
SECRET = "hunter2"


def of_literal(argument: str, literal: str) -> list[str]:
    return [error.message for error in validate(SCHEMA, parse(f"{{ a({argument}: {literal}) }}"))]


def of_variable(type_: str, value: object) -> list[str]:
    definition = parse(f"query ($v: {type_}) {{ a }}").definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    result = get_variable_values(SCHEMA, definition.variable_definitions or (), {"v": value})
    return [error.message for error in result] if isinstance(result, list) else []


def of_syntax(text: str) -> list[str]:
    with pytest.raises(GraphQLSyntaxError) as caught:
        parse(text)
    return [caught.value.message]


PLACE = "Variable '$v' has invalid value"
NO_CUSTOM = "Expected value of type 'Custom'."
NO_FIELD = "Expected value of type 'F' not to include unknown field"
NO_NAME = "Expected value of type 'F' to include required field 'name'."


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (of_literal("i", '"hunter2"'), ["Int cannot represent non-integer value."]),
        (of_literal("i", "98765432109"), ["Int cannot represent non 32-bit signed integer value."]),
        (of_literal("x", '"hunter2"'), ["Float cannot represent non numeric value."]),
        (of_literal("s", "hunter2"), ["String cannot represent a non string value."]),
        (of_literal("b", '"hunter2"'), ["Boolean cannot represent a non boolean value."]),
        (of_literal("id", '["hunter2"]'), ["ID cannot represent a non-string and non-integer value."]),
        (of_literal("e", "hunter2"), ["Value does not exist in 'E' enum."]),
        (of_literal("e", "ALPHAS"), ["Value does not exist in 'E' enum. Did you mean the enum value 'ALPHA'?"]),
        (of_literal("e", '"hunter2"'), ["Enum 'E' cannot represent non-enum value."]),
        (
            of_literal("e", '"BETA"'),
            ["Enum 'E' cannot represent non-enum value. Did you mean the enum value 'BETA'?"],
        ),
        (of_literal("f", '"hunter2"'), ["Expected value of type 'F' to be an object."]),
        (of_literal("f", '{e: ALPHA, c: "hunter2"}'), [NO_NAME, NO_CUSTOM]),
        (of_literal("f", '{name: "hunter2", zzz: 1}'), [f"{NO_FIELD} 'zzz'."]),
        (of_literal("f", '{name: "hunter2", mins: 1}'), [f"{NO_FIELD} 'mins'. Did you mean 'min' or 'in'?"]),
        (
            of_literal("f", "{name: null}"),
            ["Expected value of non-null type 'String!' not to be None."],
        ),
        (of_variable("Int", "hunter2"), [f"{PLACE}: Int cannot represent non-integer value."]),
        (of_variable("E", "hunter2"), [f"{PLACE}: Value does not exist in 'E' enum."]),
        (of_variable("E", ["hunter2"]), [f"{PLACE}: Enum 'E' cannot represent non-string value."]),
        (of_variable("F", "hunter2"), [f"{PLACE}: Expected value of type 'F' to be an object."]),
        (of_variable("[F]", [{"name": "hunter2", "zzz": 1}]), [f"{PLACE} at [0]: {NO_FIELD} 'zzz'."]),
        (of_variable("F", {"name": "n", "in": [{}]}), [f"{PLACE} at .in[0]: {NO_NAME}"]),
        (of_variable("F", {"name": "n", "hunter2, found: {": 1}), [f"{PLACE}: {NO_FIELD}."]),
        (of_variable("Custom", "hunter2"), [f"{PLACE}: {NO_CUSTOM}"]),
        (of_syntax('{ a(s "hunter2") }'), ["Syntax Error: Expected ':', found String."]),
        (of_syntax('{ "hunter2" }'), ["Syntax Error: Expected Name, found String."]),
        (of_syntax('{ a(s: """hunter2""" """hunter2""") }'), ["Syntax Error: Expected Name, found BlockString."]),
        (of_syntax("{ a } 4711"), ["Syntax Error: Unexpected Int."]),
        (of_syntax(r'{ a(s: "\u12x hunter2") }'), ["Syntax Error: Invalid Unicode escape sequence."]),
        (["Cannot query field 'x' on type 'Query'."], ["Cannot query field 'x' on type 'Query'."]),
    ],
)
def test_the_rest_of_the_message_is_kept(messages: Sequence[str], expected: list[str]) -> None:
    assert [without_values(message) for message in messages] == expected


# Text that looks like parts of messages, around the secret.
PARTS = (
    "'",
    '"',
    ": ",
    ".",
    "?",
    ", found: ",
    "\n",
    "' does not exist in 'E' enum.",
    " Did you mean the enum value 'ALPHA'?",
    "Expected value of type 'F' to be an object, found: ",
    "Value 'x",
)
parts = st.lists(st.sampled_from(PARTS), max_size=3).map("".join)
texts = st.builds(f"{{}}{SECRET}{{}}".format, parts, parts)
json_values = st.recursive(
    texts | st.just(10**400) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["name", "min", "in", "e", "c", "a", "b", "mins"]) | texts, inner, max_size=3)
    ),
    max_leaves=5,
)


def literal_of(value: Any) -> str:
    """Return a GraphQL literal. Keys that are not names are left out."""
    if isinstance(value, dict):
        fields = [f"{key}: {literal_of(item)}" for key, item in value.items() if key.isalnum() and key != SECRET]
        return f"{{{', '.join(fields)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal_of, value))}]"
    return print_ast(StringValueNode(value=value)) if isinstance(value, str) else json.dumps(value)


@given(argument=st.sampled_from(sorted(ARGUMENTS)), value=json_values)
def test_no_value_is_repeated(argument: str, value: object) -> None:
    messages = [*of_literal(argument, literal_of(value)), *of_variable(ARGUMENTS[argument], value)]
    told = [without_values(message).replace(f"unknown field '{SECRET}'", "") for message in messages]
    assert [message for message in told if SECRET in message or "0000" in message] == []


@given(texts)
def test_no_literal_in_a_syntax_error_is_repeated(text: str) -> None:
    literal = print_ast(StringValueNode(value=text))
    for document in (f"{{ a(s {literal}) }}", f"{{ {literal} }}", f"{{ a }} {literal}", f"query {literal} {{ a }}"):
        with pytest.raises(GraphQLSyntaxError) as caught:
            parse(document)
        assert SECRET not in without_values(caught.value.message)
