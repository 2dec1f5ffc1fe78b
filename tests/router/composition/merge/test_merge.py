"""How elements of several subgraphs become one, kind by kind.

Covers `router/composition/merge/merge_steps.py`, `router/composition/merge/merge_state.py`,
`router/composition/merge/object.py`, `router/composition/merge/interface.py`,
`router/composition/merge/copy_interface_object_fields.py`, `router/composition/merge/union.py`,
`router/composition/merge/enum.py`, `router/composition/merge/input_object.py`, `router/composition/merge/fields.py`,
`router/composition/merge/check_external_declarations.py`,
`router/composition/merge/arguments.py`, `router/composition/merge/type_references.py`,
`router/composition/merge/default_values.py`, `router/composition/merge/descriptions.py`,
`router/composition/merge/executable_directives.py`, `router/composition/merge/resolve_overrides.py` and
`router/composition/merge/check_shareable.py`.
"""

from __future__ import annotations

import pytest
from graphql.language import parse_type, print_ast

from router.composition.merge.merge_state import Override, children, graph_enum_values
from router.composition.merge.type_references import is_strict_subtype
from router.composition.type_refs import from_node
from tests.router.composition.schemas import codes, merged, read

QUERY = "type Query { q: Int @shareable } "


def test_an_object_has_the_fields_of_all_subgraphs() -> None:
    state = merged(QUERY + "type T @shareable { x: Int }", QUERY + "type T @shareable { y: Int }")
    assert list(state.supergraph.types["T"].fields) == ["x", "y"]
    assert codes(state.report) == ["INCONSISTENT_OBJECT_VALUE_TYPE_FIELD"] * 2


def test_a_key_in_some_subgraphs_only_is_hinted() -> None:
    state = merged(QUERY + 'type T @key(fields: "x") { x: Int }', QUERY + "type T { x: Int @shareable }")
    assert codes(state.report) == ["INCONSISTENT_ENTITY"]


def test_a_union_has_the_members_of_all_subgraphs() -> None:
    state = merged(
        QUERY + "union U = A type A { x: Int @shareable }", QUERY + "union U = B type B { x: Int @shareable }"
    )
    assert list(state.supergraph.types["U"].members) == ["A", "B"]
    assert codes(state.report) == ["INCONSISTENT_UNION_MEMBER"] * 2


@pytest.mark.parametrize(
    ("use", "values", "expected"),
    [
        ("type Query { q(e: E): Int @shareable }", ["A"], ["INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM"]),
        ("type Query { q: E @shareable }", ["A", "B"], ["INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM"]),
        ("type Query { q(e: E): E @shareable }", ["A", "B"], ["ENUM_VALUE_MISMATCH"]),
        (QUERY, ["A", "B"], ["UNUSED_ENUM_TYPE", "INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM"]),
    ],
)
def test_the_use_of_an_enum_decides_how_its_values_merge(use: str, values: list[str], expected: list[str]) -> None:
    state = merged(f"{use} enum E {{ A B }}", f"{use} enum E {{ A }}")
    assert list(state.supergraph.types["E"].values) == values
    assert codes(state.report) == expected


def test_an_input_object_has_the_common_fields() -> None:
    use = "type Query { q(i: I): Int @shareable } "
    state = merged(use + "input I { x: Int y: Int }", use + "input I { x: Int! }")
    assert {name: str(item.type) for name, item in state.supergraph.types["I"].inputs.items()} == {"x": "Int!"}
    assert set(codes(state.report)) == {"INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE", "INCONSISTENT_INPUT_OBJECT_FIELD"}


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        ("input I { x: Int y: Int! }", "input I { x: Int }", "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH"),
        ("input I { x: Int }", "input I { y: Int }", "EMPTY_MERGED_INPUT_TYPE"),
        ("input I { x: Int = 1 }", "input I { x: Int = 2 }", "INPUT_FIELD_DEFAULT_MISMATCH"),
        ("input I { x: Int }", "input I { x: String }", "FIELD_TYPE_MISMATCH"),
        ("input I { x: Int = 1 }", "input I { x: Int }", "INCONSISTENT_DEFAULT_VALUE_PRESENCE"),
    ],
)
def test_input_fields_that_differ_are_reported(one: str, other: str, code: str) -> None:
    use = "type Query { q(i: I): Int @shareable } "
    assert code in codes(merged(use + one, use + other).report)


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        ("q(x: Int!): Int", "q: Int", "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH"),
        ("q(x: Int): Int", "q: Int", "INCONSISTENT_ARGUMENT_PRESENCE"),
        ("q(x: Int): Int", "q(x: String): Int", "FIELD_ARGUMENT_TYPE_MISMATCH"),
        ("q(x: Int): Int", "q(x: Int!): Int", "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE"),
        ("q(x: Int = 1): Int", "q(x: Int = 2): Int", "FIELD_ARGUMENT_DEFAULT_MISMATCH"),
        ("q: Int", "q: String", "FIELD_TYPE_MISMATCH"),
        ("q: Int", "q: Int!", "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE"),
    ],
)
def test_fields_and_arguments_that_differ_are_reported(one: str, other: str, code: str) -> None:
    state = merged(f"type Query {{ {one} @shareable }}", f"type Query {{ {other} @shareable }}")
    assert code in codes(state.report)


def test_the_most_frequent_description_wins() -> None:
    state = merged(*(f'type Query {{ "{text}" q: Int @shareable }}' for text in ("one", "two", "two")))
    assert state.supergraph.types["Query"].fields["q"].description == "two"
    assert codes(state.report) == ["INCONSISTENT_DESCRIPTION"]


def test_a_default_that_all_have_is_kept() -> None:
    state = merged(*["type Query { q(x: [Int] = [1]): Int @shareable }"] * 2)
    default = state.supergraph.types["Query"].fields["q"].arguments["x"].default
    assert default is not None
    assert print_ast(default) == "[1]"


@pytest.mark.parametrize(
    ("definitions", "expected"),
    [
        (["directive @d on QUERY | FIELD", "directive @d on FIELD"], ["INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS"]),
        (["directive @d on QUERY", "directive @d on FIELD"], ["NO_EXECUTABLE_DIRECTIVE_INTERSECTION"]),
        (["directive @d on QUERY", ""], ["INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE"]),
        (
            ["directive @d repeatable on QUERY", "directive @d on QUERY"],
            ["INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE"],
        ),
    ],
)
def test_executable_directives_need_every_subgraph(definitions: list[str], expected: list[str]) -> None:
    assert codes(merged(*(QUERY + each for each in definitions)).report) == expected


@pytest.mark.parametrize(
    ("sdls", "code"),
    [
        ((QUERY + "type T { x: Int }", QUERY + "enum T { A }"), "TYPE_KIND_MISMATCH"),
        ((QUERY + "extend interface T { x: Int }",), "EXTENSION_WITH_NO_BASE"),
        (("type T { x: Int }",), "NO_QUERIES"),
        ((QUERY + 'type T @interfaceObject @key(fields: "x") { x: Int }',), "INTERFACE_OBJECT_USAGE_ERROR"),
        (("type Query { q: Int }", "type Query { q: Int }"), "INVALID_FIELD_SHARING"),
        (
            (QUERY + "type Subscription { s: Int @shareable }", QUERY + "type Subscription { s: Int @shareable }"),
            "INVALID_FIELD_SHARING",
        ),
        ((QUERY + 'type T @key(fields: "x") { x: Int y: Int @external }',), "EXTERNAL_MISSING_ON_BASE"),
    ],
)
def test_subgraphs_that_contradict_each_other_are_reported(sdls: tuple[str, ...], code: str) -> None:
    assert code in codes(merged(*sdls).report)


@pytest.mark.parametrize(
    ("external", "code"),
    [
        ("y(a: Int = 1): String @external", "EXTERNAL_TYPE_MISMATCH"),
        ("y: Int @external", "EXTERNAL_ARGUMENT_MISSING"),
        ("y(a: Float = 1): Int @external", "EXTERNAL_ARGUMENT_TYPE_MISMATCH"),
        ("y(a: Int = 2): Int @external", "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH"),
        ('y(a: Int = 1): Int @external @tag(name: "t")', "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL"),
    ],
)
def test_an_external_field_repeats_the_one_that_is_resolved(external: str, code: str) -> None:
    state = merged(
        QUERY + 'type T @key(fields: "x") { x: Int y(a: Int = 1): Int }',
        QUERY + f'type T @key(fields: "x") {{ x: Int {external} z: Int @requires(fields: "y") }}',
    )
    assert code in codes(state.report)


OWNER = QUERY + 'type T @key(fields: "x") { x: Int y: Int }'


@pytest.mark.parametrize(
    ("override", "code"),
    [
        ('@override(from: "a")', "OVERRIDDEN_FIELD_CAN_BE_REMOVED"),
        ('@override(from: "a", label: "move")', "OVERRIDE_MIGRATION_IN_PROGRESS"),
        ('@override(from: "a", label: "percent(101)")', "OVERRIDE_LABEL_INVALID"),
        ('@override(from: "aa")', "FROM_SUBGRAPH_DOES_NOT_EXIST"),
        ('@override(from: "b")', "OVERRIDE_FROM_SELF_ERROR"),
        ('@override(from: "a") @external', "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE"),
    ],
)
def test_an_override_names_the_subgraph_that_gives_the_field_up(override: str, code: str) -> None:
    state = merged(OWNER, QUERY + f'type T @key(fields: "x") {{ x: Int y: Int {override} }}')
    assert code in codes(state.report)


def test_an_override_is_kept_under_the_coordinate_of_the_field() -> None:
    state = merged(OWNER, QUERY + 'type T @key(fields: "x") { x: Int y: Int @override(from: "a", label: "move") }')
    override = state.overrides["T.y"]
    assert override == Override(set(), {0}, {0: "move", 1: "move"})
    assert not override.resolves(0)
    assert not override.leaves_out(0)
    assert not state.leaves_out(1, "T.y")


def test_fields_of_an_interface_object_are_copied_to_implementations() -> None:
    state = merged(
        'type Query { q: I @shareable } interface I @key(fields: "x") { x: Int }'
        ' type T implements I @key(fields: "x") { x: Int }',
        QUERY + 'type I @interfaceObject @key(fields: "x") { x: Int y: Int }',
    )
    assert list(state.supergraph.types["T"].fields) == ["x", "y"]
    assert [
        (index, member.coordinate)
        for index, member in state.interface_object_fields(state.supergraph.types["T"].fields["y"])
    ] == [(1, "I.y")]


def test_a_subgraph_with_an_interface_key_must_know_every_implementation() -> None:
    keyed = 'interface I @key(fields: "x") { x: Int } type A implements I @key(fields: "x") { x: Int }'
    state = merged(QUERY + keyed, QUERY + "interface I { x: Int } type B implements I { x: Int }")
    assert "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE" in codes(state.report)


@pytest.mark.parametrize(
    ("general", "specific", "expected"),
    [
        ("A", "A!", True),
        ("[A]", "[A!]!", True),
        ("I", "A!", True),
        ("A", "A", False),
        ("A!", "A", False),
        ("A", "[A]", False),
    ],
)
def test_a_subtype_is_narrower(general: str, specific: str, expected: bool) -> None:  # noqa: FBT001 - a parameter of a test
    schema = read("type Query { a: A } interface I { x: Int } type A implements I { x: Int }")
    found = is_strict_subtype(schema, from_node(parse_type(general)), from_node(parse_type(specific)))
    assert found is expected


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (["a", "b-c"], ["A", "B_C"]),
        (["1a"], ["_1A"]),
        (["a_1"], ["A_1_"]),
        (["a-b", "a_b"], ["A_B_1", "A_B_2"]),
    ],
)
def test_subgraph_names_become_enum_values(names: list[str], values: list[str]) -> None:
    assert graph_enum_values(names) == values


def test_named_parts_keep_the_order_in_which_they_appear() -> None:
    assert children({0: {"a": 1, "b": 2}, 2: {"c": 3, "a": 4}}, dict) == {"a": {0: 1, 2: 4}, "b": {0: 2}, "c": {2: 3}}
