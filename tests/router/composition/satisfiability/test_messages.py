"""What the messages of satisfiability say.

Covers `router/composition/satisfiability/failing_query.py`, `router/composition/satisfiability/failure_reasons.py`
and `router/composition/satisfiability/compare_runtime_types.py`.
"""

from __future__ import annotations

import pytest

from router.composition.satisfiability.failing_query import QueryStep, print_failing_query
from tests.router.composition.schemas import composed, field, read


def test_the_query_has_only_the_failing_path_with_example_values() -> None:
    schema = read(
        "type Query {"
        " i(a: Int!, b: [String!]!, c: E!, d: N!, e: Float = 1, f: S!, g: ID!, h: Boolean!, s: String!): I }"
        " interface I { t: T } type A implements I { t: T } type T { x: Int } enum E { ONE TWO }"
        " input N { must: Float! may: Int } scalar S"
    )
    steps = [QueryStep(field(schema, "Query.i"), "A"), QueryStep(field(schema, "A.t"), None)]
    assert print_failing_query(schema, steps, field(schema, "T.x")).splitlines() == [
        "  query {",
        '    i(a: 0, b: [], c: ONE, d: {must: 3.14}, f: "<some value>", g: "<any id>", h: true, s: "A string value") {',
        "      ... on A {",
        "        t {",
        "          x",
        "        }",
        "      }",
        "    }",
        "  }",
    ]


def test_a_composite_end_is_shown_as_dots() -> None:
    schema = read("type Mutation { t: T } type T { x: Int }")
    assert print_failing_query(schema, [], field(schema, "Mutation.t")).splitlines()[:3] == [
        "  mutation {",
        "    t {",
        "      ...",
    ]


KEYED = 'type T @key(fields: "id") { id: ID x: Int @shareable }'


@pytest.mark.parametrize(
    ("sdls", "reason"),
    [
        (("type Query { t: T } type T { n: ID }", KEYED), 'cannot find field "T.x"'),
        (
            ("type Query { t: T } type T { n: ID }", KEYED),
            'using key "id" of T: its fields cannot be fetched',
        ),
        (
            ("type Query { t: T } type T { id: ID @shareable }", "type T { id: ID @shareable x: Int }"),
            "T has no @key there",
        ),
        (
            (
                'type Query { t: T } type T @key(fields: "id") { id: ID }',
                KEYED.replace('id")', 'id", resolvable: false)'),
            ),
            "the @key of T there is not resolvable",
        ),
        (
            (
                (
                    'type Query { t: T } type T @key(fields: "id", resolvable: false) { id: ID x: Int @external'
                    ' y: Int @requires(fields: "x") }'
                ),
                "type T { x: Int }",
            ),
            'field "T.x" is not resolvable because it is marked @external',
        ),
        (
            (
                (
                    'type Query { t: T } type T @key(fields: "id")'
                    ' { id: ID x: Int @external y: Int @requires(fields: "x") }'
                ),
                "type T { x: Int }",
            ),
            'cannot satisfy the @requires conditions on field "T.y"',
        ),
        (
            (
                (
                    'type Query { t: T } type U @key(fields: "id") @context(name: "c") { id: ID n: String t: T }'
                    ' type T @key(fields: "id") { id: ID x(n: String @fromContext(field: "$c { n }")): Int }'
                ),
            ),
            'the context a__c of field "T.x" is not set on this path',
        ),
        (
            (
                'type Query { i: I } type I @interfaceObject @key(fields: "id") { id: ID }',
                (
                    'interface I @key(fields: "id", resolvable: false) { id: ID }'
                    ' type A implements I @key(fields: "id", resolvable: false) { id: ID }'
                ),
            ),
            "no reachable subgraph has the interface I",
        ),
    ],
)
def test_each_situation_has_its_reason(sdls: tuple[str, ...], reason: str) -> None:
    messages = [error.message for error in composed(*sdls).errors]
    assert any(reason in message for message in messages), messages


USE = "type Query { u: U @shareable } union U = "


@pytest.mark.parametrize(
    ("types", "code"),
    [
        (
            ("A | B type A @shareable { x: Int } type B { x: Int }", "A type A @shareable { x: Int }"),
            "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN",
        ),
        (("A type A { x: Int }", "B type B { x: Int }"), "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES"),
    ],
)
def test_a_shared_field_must_return_the_same_types(types: tuple[str, ...], code: str) -> None:
    composition = composed(*(USE + each for each in types))
    assert code in {*(error.code for error in composition.errors), *(hint.code for hint in composition.hints)}
