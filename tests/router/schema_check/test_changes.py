"""Each kind of change, with its id and severity.

Covers `router/schema_check/changes.py`, `router/schema_check/diff/compare_applied_directives.py`,
`router/schema_check/diff/compare_directive_definitions.py`, `router/schema_check/diff/compare_enums_and_unions.py`,
`router/schema_check/diff/compare_fields.py`, `router/schema_check/diff/compare_inputs.py`,
`router/schema_check/diff/compare_schemas.py`, `router/schema_check/diff/renames.py`.
"""

from __future__ import annotations

from typing import Final

import pytest
from graphql import build_schema

from router.schema_check.changes import ChangeCode
from router.schema_check.diff.compare_schemas import compare_schemas

QUERY: Final = "type Query { a: Int }"
PETS: Final = "type Query { pet: Pet } type Cat { n: Int } type Dog { n: Int }"
TAG: Final = "directive @tag(name: String!) repeatable on FIELD_DEFINITION"

# (old SDL, new SDL, "severity id" of every change)
CHANGES: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (
        QUERY,
        f"{QUERY} type Mutation {{ m: Int }}",
        ("safe ROOT_TYPE_ADDED:Mutation:mutation", "safe TYPE_ADDED:Mutation"),
    ),
    (
        f"{QUERY} type Mutation {{ m: Int }}",
        QUERY,
        ("breaking ROOT_TYPE_REMOVED:Mutation:mutation", "breaking TYPE_REMOVED:Mutation"),
    ),
    (
        QUERY,
        "schema { query: Root } type Root { a: Int }",
        ("breaking ROOT_TYPE_CHANGED:Query:query", "breaking TYPE_REMOVED:Query", "safe TYPE_ADDED:Root"),
    ),
    (QUERY, f"{QUERY} type B {{ b: Int }}", ("safe TYPE_ADDED:B",)),
    (f"{QUERY} type B {{ b: Int }}", QUERY, ("safe TYPE_REMOVED:B",)),
    (
        "type Query { b: B } type B { b: Int }",
        "type Query { b: B } scalar B",
        ("breaking TYPE_KIND_CHANGED:B",),
    ),
    (QUERY, "type Query { a: Int b: Int }", ("safe FIELD_ADDED:Query.b",)),
    ("type Query { a: Int b: Int }", QUERY, ("breaking FIELD_REMOVED:Query.b",)),
    (QUERY, "type Query { a: String }", ("breaking FIELD_TYPE_CHANGED:Query.a",)),
    (QUERY, "type Query { a: Int! }", ("safe FIELD_TYPE_CHANGED:Query.a",)),
    ("type Query { a: Int! }", QUERY, ("breaking FIELD_TYPE_CHANGED:Query.a",)),
    ("type Query { a: [Int] }", "type Query { a: [Int!] }", ("safe FIELD_TYPE_CHANGED:Query.a",)),
    (QUERY, "type Query { a: [Int] }", ("breaking FIELD_TYPE_CHANGED:Query.a",)),
    # `{ pet { ... on Cat { n } ... on Dog { n } } }` becomes invalid.
    (
        f"{PETS} union Pet = Cat | Dog",
        f"{PETS} union Pet = Cat | Dog".replace("Cat { n: Int", "Cat { n: Int!"),
        ("dangerous FIELD_TYPE_CHANGED:Cat.n",),
    ),
    (QUERY, "type Query { a(x: Int): Int }", ("dangerous ARGUMENT_ADDED:Query.a(x:)",)),
    (QUERY, "type Query { a(x: Int!): Int }", ("breaking ARGUMENT_ADDED:Query.a(x:)",)),
    (QUERY, "type Query { a(x: Int! = 1): Int }", ("dangerous ARGUMENT_ADDED:Query.a(x:)",)),
    ("type Query { a(x: Int): Int }", QUERY, ("breaking ARGUMENT_REMOVED:Query.a(x:)",)),
    (
        "type Query { a(x: Int): Int }",
        "type Query { a(x: Int!): Int }",
        ("breaking ARGUMENT_TYPE_CHANGED:Query.a(x:)",),
    ),
    (
        "type Query { a(x: [Int!]!): Int }",
        "type Query { a(x: [Int]): Int }",
        ("safe ARGUMENT_TYPE_CHANGED:Query.a(x:)",),
    ),
    # A list of one is written as its item, but a variable of the item's type is not.
    (
        "type Query { a(x: Int): Int }",
        "type Query { a(x: [Int]): Int }",
        ("breaking ARGUMENT_TYPE_CHANGED:Query.a(x:)",),
    ),
    (
        "type Query { a(x: Int = 1): Int }",
        "type Query { a(x: Int = 2): Int }",
        ("dangerous ARGUMENT_DEFAULT_CHANGED:Query.a(x:)",),
    ),
    (
        "type Query { a(x: Int! = 1): Int }",
        "type Query { a(x: Int!): Int }",
        ("breaking ARGUMENT_DEFAULT_CHANGED:Query.a(x:)",),
    ),
    (
        "type Query { a(x: In = {b: 1, c: 2}): Int } input In { b: Float c: Int }",
        "type Query { a(x: In = {c: 2, b: 1.0}): Int } input In { b: Float c: Int }",
        (),
    ),
    (
        "type Query { a(x: In): Int } input In { b: Int }",
        "type Query { a(x: In): Int } input In { b: Int c: Int d: Int = 1 e: Int! }",
        (
            "breaking INPUT_FIELD_ADDED:In.e",
            "dangerous INPUT_FIELD_ADDED:In.d",
            "safe INPUT_FIELD_ADDED:In.c",
        ),
    ),
    (
        "type Query { a(x: In): Int } input In { b: Int c: Int }",
        "type Query { a(x: In): Int } input In { b: Int }",
        ("breaking INPUT_FIELD_REMOVED:In.c",),
    ),
    # The argument's type does not change, but the type inside it does.
    (
        "type Query { a(x: In): Int } input In { y: Deep } input Deep { z: Int w: Int = 1 }",
        "type Query { a(x: In): Int } input In { y: Deep } input Deep { z: Int! w: Int = 2 }",
        ("breaking INPUT_FIELD_TYPE_CHANGED:Deep.z", "dangerous INPUT_FIELD_DEFAULT_CHANGED:Deep.w"),
    ),
    (
        "type Query { a(x: In): Int } input In { y: Int z: Int }",
        "type Query { a(x: In): Int } input In @oneOf { y: Int z: Int }",
        ("breaking ONE_OF_ADDED:In",),
    ),
    (
        "type Query { a(x: In): Int } input In @oneOf { y: Int z: Int }",
        "type Query { a(x: In): Int } input In { y: Int z: Int }",
        ("safe ONE_OF_REMOVED:In",),
    ),
    ("type Query { e: E } enum E { X }", "type Query { e: E } enum E { X Y }", ("dangerous ENUM_VALUE_ADDED:E.Y",)),
    ("type Query { e: E } enum E { X Y }", "type Query { e: E } enum E { X }", ("safe ENUM_VALUE_REMOVED:E.Y",)),
    (
        "type Query { a(e: E): Int } enum E { X Y }",
        "type Query { a(e: E): Int } enum E { X Z }",
        ("breaking ENUM_VALUE_REMOVED:E.Y", "safe ENUM_VALUE_ADDED:E.Z"),
    ),
    (
        f"{PETS} union Pet = Cat",
        f"{PETS} union Pet = Cat | Dog",
        ("dangerous UNION_MEMBER_ADDED:Pet:Dog",),
    ),
    (f"{PETS} union Pet = Cat | Dog", f"{PETS} union Pet = Cat", ("breaking UNION_MEMBER_REMOVED:Pet:Dog",)),
    (
        "type Query { i: I } interface I { x: Int } type A implements I { x: Int } type B { x: Int }",
        "type Query { i: I } interface I { x: Int } type A { x: Int } type B implements I { x: Int }",
        ("breaking INTERFACE_REMOVED:A:I", "dangerous INTERFACE_ADDED:B:I"),
    ),
    (QUERY, f"directive @d on FIELD {QUERY}", ("safe DIRECTIVE_ADDED:@d",)),
    (f"directive @d on FIELD {QUERY}", QUERY, ("breaking DIRECTIVE_REMOVED:@d",)),
    (f"directive @d on OBJECT {QUERY}", QUERY, ("safe DIRECTIVE_REMOVED:@d",)),
    (
        f"directive @d(x: Int, y: Int = 1, z: Int) repeatable on FIELD | QUERY {QUERY}",
        f"directive @d(x: Int!, y: Int = 2, v: Int, w: Int!) on FIELD | MUTATION {QUERY}",
        (
            "breaking DIRECTIVE_ARGUMENT_ADDED:@d(w:)",
            "breaking DIRECTIVE_ARGUMENT_REMOVED:@d(z:)",
            "breaking DIRECTIVE_ARGUMENT_TYPE_CHANGED:@d(x:)",
            "breaking DIRECTIVE_LOCATION_REMOVED:@d:QUERY",
            "breaking DIRECTIVE_REPEATABLE_REMOVED:@d",
            "dangerous DIRECTIVE_ARGUMENT_DEFAULT_CHANGED:@d(y:)",
            "safe DIRECTIVE_ARGUMENT_ADDED:@d(v:)",
            "safe DIRECTIVE_LOCATION_ADDED:@d:MUTATION",
        ),
    ),
    (
        f"directive @d on FIELD {QUERY}",
        f"directive @d repeatable on FIELD {QUERY}",
        ("safe DIRECTIVE_REPEATABLE_ADDED:@d",),
    ),
    (QUERY, 'type Query { a: Int @deprecated(reason: "r") }', ("safe DEPRECATION_ADDED:Query.a",)),
    ('type Query { a: Int @deprecated(reason: "r") }', QUERY, ("safe DEPRECATION_REMOVED:Query.a",)),
    (
        'type Query { a: Int @deprecated(reason: "r") }',
        'type Query { a: Int @deprecated(reason: "s") }',
        ("safe DEPRECATION_REASON_CHANGED:Query.a",),
    ),
    (
        'type Query { s: S } scalar S @specifiedBy(url: "https://a")',
        'type Query { s: S } scalar S @specifiedBy(url: "https://b")',
        ("dangerous SPECIFIED_BY_CHANGED:S",),
    ),
    (QUERY, 'type Query { "What it is." a: Int }', ("safe DESCRIPTION_CHANGED:Query.a",)),
    (
        f"directive @authenticated on FIELD_DEFINITION {QUERY}",
        "directive @authenticated on FIELD_DEFINITION type Query { a: Int @authenticated }",
        ("breaking APPLIED_DIRECTIVE_ADDED:Query.a:@authenticated",),
    ),
    (
        "directive @authenticated on FIELD_DEFINITION type Query { a: Int @authenticated }",
        f"directive @authenticated on FIELD_DEFINITION {QUERY}",
        ("dangerous APPLIED_DIRECTIVE_REMOVED:Query.a:@authenticated",),
    ),
    (
        "directive @cost(weight: Int!) on FIELD_DEFINITION type Query { a: Int @cost(weight: 1) }",
        "directive @cost(weight: Int!) on FIELD_DEFINITION type Query { a: Int @cost(weight: 9) }",
        ("dangerous APPLIED_DIRECTIVE_CHANGED:Query.a:@cost",),
    ),
    (
        f'{TAG} type Query {{ a: Int @tag(name: "x") }}',
        f'{TAG} type Query {{ a: Int @tag(name: "y") @tag(name: "x") }}',
        ("safe APPLIED_DIRECTIVE_ADDED:Query.a:@tag",),
    ),
)


@pytest.mark.parametrize(("old", "new", "expected"), CHANGES)
def test_the_changes_of_two_schemas(old: str, new: str, expected: tuple[str, ...]) -> None:
    changes = compare_schemas(build_schema(old), build_schema(new))
    assert sorted(f"{change.severity} {change.id}" for change in changes) == sorted(expected)
    assert all(change.message and change.reason.endswith(".") for change in changes)


def test_every_kind_of_change_has_a_row() -> None:
    found = {each.split()[1].partition(":")[0] for _, _, expected in CHANGES for each in expected}
    assert found == set(ChangeCode)


def test_equal_schemas_have_no_changes() -> None:
    for old, new, _ in CHANGES:
        for sdl in (old, new):
            assert compare_schemas(build_schema(sdl), build_schema(sdl)) == []


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("type Query { a: Int b(x: ID): [Int] }", "type Query { a: Int c(x: ID): [Int] }", "Query.c"),
        ("type Query { a: A } type A { x: Int }", "type Query { a: B } type B { x: Int }", "B"),
        ("type Query { a(x: Int = 1): Int }", "type Query { a(y: Int = 1): Int }", "Query.a(y:)"),
    ],
)
def test_a_rename_is_recognised(old: str, new: str, name: str) -> None:
    (message,) = [
        change.message
        for change in compare_schemas(build_schema(old), build_schema(new))
        if "_REMOVED" in change.code and "renamed" in change.message
    ]
    assert message.endswith(f"; it seems to be renamed to {name}.")


def test_two_candidates_are_no_rename() -> None:
    old, new = "type Query { a: Int b: Int }", "type Query { a: Int c: Int d: Int }"
    changes = compare_schemas(build_schema(old), build_schema(new))
    assert not [change for change in changes if "renamed" in change.message]


def test_a_directive_under_another_name_keeps_its_meaning() -> None:
    old, new = (f"directive @loggedIn on FIELD_DEFINITION type Query {{ a: Int {each} }}" for each in ("", "@loggedIn"))
    changes = compare_schemas(build_schema(old), build_schema(new), {"loggedIn": "authenticated"})
    assert [change.severity for change in changes] == ["breaking"]
