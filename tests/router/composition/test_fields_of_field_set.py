"""Field sets and context selections, read over a schema.

Covers `router/composition/fields_of_field_set.py`, `router/composition/field_set_problems.py`,
`router/composition/drop_impossible_type_conditions.py` and `router/composition/context_directives.py`.
"""

from __future__ import annotations

import pytest
from graphql.language import FieldNode

from router.composition.context_directives import (
    context_selections,
    context_types,
    contextual_arguments,
    leaves,
    parse_context_value,
)
from router.composition.drop_impossible_type_conditions import (
    drop_impossible_conditions,
    impossible_conditions,
    is_impossible,
)
from router.composition.field_set_problems import argument_problems, field_set_problems, given_arguments
from router.composition.fields_of_field_set import selected, target_fields, with_implementations
from router.federation.field_sets import parse_field_set, parse_field_set_or_none, print_field_set
from tests.router.composition.schemas import field, metadata, read

SCHEMA = read(
    """
    type Query { a: Node }
    interface Node { id: ID }
    type A implements Node @key(fields: "id") { id: ID b(x: Int!, y: E): B c: Node }
    type B implements Node { id: ID }
    enum E { ONE }
    """
)


def test_selected_fields_are_listed_with_their_leaves() -> None:
    found = selected(SCHEMA, "A", parse_field_set("id b { id } c { __typename ... on B { id } }"))
    assert [(member.coordinate, is_leaf) for member, is_leaf in found] == [
        ("A.id", True),
        ("A.b", False),
        ("B.id", True),
        ("A.c", False),
        ("B.id", True),
    ]


def test_the_walk_ends_at_a_field_that_does_not_exist() -> None:
    assert [member.name for member, _ in selected(SCHEMA, "A", parse_field_set("id b { nope } c { id }"))] == [
        "id",
        "b",
    ]


def test_the_fields_of_a_directive_are_selected_if_it_can_be_parsed() -> None:
    (key,) = SCHEMA.types["A"].keys
    assert [member.coordinate for member, _ in target_fields(SCHEMA, "A", key)] == ["A.id"]
    assert parse_field_set_or_none("{") is None
    assert parse_field_set_or_none(None) is None


def test_the_field_of_an_interface_includes_those_of_its_implementations() -> None:
    found = with_implementations(SCHEMA, field(SCHEMA, "Node.id"))
    assert [member.coordinate for member in found] == ["Node.id", "A.id", "B.id"]


def test_problems_of_a_field_set_are_all_listed() -> None:
    selections = parse_field_set("nope b(z: 1, y: TWO) { nope } ... on Nope { id }")
    assert list(field_set_problems(SCHEMA, "A", selections)) == [
        "A has no field nope",
        'A.b has no argument "z"',
        'A.b requires the argument "x"',
        "y: TWO does not fit the argument of A.b, whose type is E",
        "B has no field nope",
        "there is no type Nope",
    ]


def test_a_contextual_argument_need_not_be_given() -> None:
    schema = read(
        'type Query { a: A } type A @key(fields: "id") @context(name: "c") { id: ID n: String b: B }'
        ' type B @key(fields: "id") { id: ID d(x: String! @fromContext(field: "$c { n }")): Int }'
    )
    member = field(schema, "B.d")
    assert list(argument_problems(schema, member, (), contextual_may_be_missing=True)) == []
    assert list(argument_problems(schema, member, ())) == ['B.d requires the argument "x"']


def test_of_an_argument_that_is_given_twice_the_last_one_counts() -> None:
    (selection,) = parse_field_set("a(x: 1, y: 2, x: 3)").selections
    assert isinstance(selection, FieldNode)
    assert [(each.name.value, each.value.to_dict()["value"]) for each in given_arguments(selection)] == [
        ("x", "3"),
        ("y", "2"),
    ]


def test_a_condition_is_impossible_without_a_common_type() -> None:
    assert is_impossible(SCHEMA, "A", "B")
    assert not is_impossible(SCHEMA, "A", "Node")
    selections = parse_field_set("... on B { id } c { ... on B { id } }")
    assert list(impossible_conditions(SCHEMA, "A", selections)) == ["B"]


def test_impossible_conditions_are_dropped_and_the_metadata_stay() -> None:
    subgraph = metadata(
        'type Query { a: A } type A @key(fields: "... on B { id }") { id: ID } type B { x: Int id: ID }'
    )
    drop_impossible_conditions(subgraph)
    (key,) = subgraph.schema.types["A"].keys
    assert key.field_set is not None
    assert print_field_set(key.field_set) == "... { id }"
    assert subgraph.shareable == {"B.id"}


@pytest.mark.parametrize("value", ["", "$", "$a", "a { b }", "$a { b", "$a {}"])
def test_a_context_value_has_a_name_and_a_selection(value: str) -> None:
    assert parse_context_value(value) is None


def test_contexts_are_found_by_name() -> None:
    schema = read(
        'type Query { u: User } type User @key(fields: "id") @context(name: "user") { id: ID! a: A name: String }'
        ' type A @key(fields: "id") { id: ID! x(n: String @fromContext(field: "$user { name }"), m: Int): Int }'
    )
    ((argument, value),) = contextual_arguments(field(schema, "A.x"))
    assert (argument.name, value.context, value.text) == ("n", "user", " { name }")
    assert [each.name for each in context_types(schema, "user")] == ["User"]
    assert [(name, print_field_set(selection)) for name, selection in context_selections(schema)] == [("User", "name")]


def test_the_leaves_of_a_selection_are_paths_of_names() -> None:
    assert list(leaves(parse_field_set("a { ... on B { b } c }"))) == [("a", "b"), ("a", "c")]
