"""Each rule on the merged schema, alone, with subgraphs that break it and subgraphs that do not.

Covers `router/composition/supergraph_rules/__init__.py`,
`router/composition/supergraph_rules/cost_rules_of_linked_cost_spec.py`,
`router/composition/supergraph_rules/directive_arguments.py`,
`router/composition/supergraph_rules/directive_locations.py`, `router/composition/supergraph_rules/inaccessible.py`,
`router/composition/supergraph_rules/interface_field_no_implem.py`,
`router/composition/supergraph_rules/invalid_graphql.py`,
`router/composition/supergraph_rules/key_invalid_fields.py`,
`router/composition/supergraph_rules/missing_transitive_auth_requirements.py`,
`router/composition/supergraph_rules/provides_invalid_fields.py` and
`router/composition/supergraph_rules/requires_invalid_fields.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.composition import Subgraph, compose
from router.composition.report import Report
from router.composition.supergraph_rules import (
    directive_locations,
    inaccessible,
    interface_field_no_implem,
    invalid_graphql,
    key_invalid_fields,
    missing_transitive_auth_requirements,
    provides_invalid_fields,
    requires_invalid_fields,
)
from tests.router.composition.schemas import codes, merged

if TYPE_CHECKING:
    from types import ModuleType

QUERY = "type Query { q: Int @shareable } "
KEYED = 'type T @key(fields: "id") { id: ID '

BROKEN: list[tuple[ModuleType, tuple[str, ...], str]] = [
    (
        interface_field_no_implem,
        (QUERY + "interface I { x: Int y: Int }", QUERY + "interface I { x: Int } type A implements I { x: Int }"),
        "INTERFACE_FIELD_NO_IMPLEM",
    ),
    (
        requires_invalid_fields,
        (
            QUERY + KEYED + 'x(a: Int): Int @external y: Int @requires(fields: "x(a: 1)") }',
            QUERY + KEYED + "x: Int }",
        ),
        "REQUIRES_INVALID_FIELDS",
    ),
    (
        key_invalid_fields,
        (QUERY + 'type T @key(fields: "... on U { x }") { id: ID } type U { x: Int }',),
        "KEY_INVALID_FIELDS",
    ),
    (
        provides_invalid_fields,
        (
            'type Query { t: T @provides(fields: "... on U { x }") } type T { id: ID } type U { x: Int @external }',
            QUERY + "type U { x: Int @shareable }",
        ),
        "PROVIDES_INVALID_FIELDS",
    ),
    (
        missing_transitive_auth_requirements,
        (
            QUERY + KEYED + 'x: Int @external y: Int @requires(fields: "x") }',
            QUERY + KEYED + "x: Int @authenticated }",
        ),
        "MISSING_TRANSITIVE_AUTH_REQUIREMENTS",
    ),
    (
        missing_transitive_auth_requirements,
        (
            (
                'type Query { u: U } type U @key(fields: "id") @context(name: "c")'
                " { id: ID n: String @authenticated t: T }"
                ' type T @key(fields: "id") { id: ID x(a: String @fromContext(field: "$c { n }")): Int }'
            ),
        ),
        "MISSING_TRANSITIVE_AUTH_REQUIREMENTS",
    ),
    (
        invalid_graphql,
        (
            QUERY + "interface I { x(a: Int): Int } type A implements I { x(a: Int): Int @shareable }",
            QUERY + "type A { x: Int @shareable }",
        ),
        "INVALID_GRAPHQL",
    ),
    (
        invalid_graphql,
        (
            "type Query { q(i: I): Int @shareable } input I { j: J! } input J { i: I }",
            "type Query { q(i: I): Int @shareable } input I { j: J } input J { i: I! }",
        ),
        "INVALID_GRAPHQL",
    ),
    (invalid_graphql, (QUERY + "type join__x { y: Int }",), "INVALID_GRAPHQL"),
    (inaccessible, ("type Query { t: T } type T @inaccessible { x: Int }",), "REFERENCED_INACCESSIBLE"),
    (inaccessible, ("type Query @inaccessible { q: Int }",), "QUERY_ROOT_TYPE_INACCESSIBLE"),
    (inaccessible, ("type Query { q(a: Int! @inaccessible): Int }",), "REQUIRED_INACCESSIBLE"),
    (inaccessible, ("type Query { q(e: E = A): E } enum E { A @inaccessible B }",), "DEFAULT_VALUE_USES_INACCESSIBLE"),
    (inaccessible, ("type Query { q: T } type T { x: Int @inaccessible }",), "ONLY_INACCESSIBLE_CHILDREN"),
    (
        inaccessible,
        ("type Query { q: I } interface I { x: Int } type A implements I { x: Int @inaccessible y: Int }",),
        "IMPLEMENTED_BY_INACCESSIBLE",
    ),
]


@pytest.mark.parametrize(("rule", "sdls", "code"), BROKEN)
def test_a_rule_reports_its_code(rule: ModuleType, sdls: tuple[str, ...], code: str) -> None:
    state = merged(*sdls)
    assert state.report.errors == []
    rule.check(state)
    assert {error.code for error in state.report.errors} == {code}


CORRECT = (
    (
        'type Query { u: U @shareable } type U @key(fields: "id")'
        ' { id: ID x: Int @external y: Int @requires(fields: "x") }'
    ),
    'type Query { u: U @shareable } type U @key(fields: "id") { id: ID x: Int z: Int @inaccessible }',
)


@pytest.mark.parametrize("rule", sorted({rule for rule, _, _ in BROKEN} | {directive_locations}, key=str))
def test_a_rule_accepts_what_is_correct(rule: ModuleType) -> None:
    state = merged(*CORRECT)
    state.report = Report()
    rule.check(state)
    assert codes(state.report) == []


def test_a_composed_directive_must_be_allowed_where_it_is_merged() -> None:
    link = (
        'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",'
        ' import: ["@key", "@shareable", "@composeDirective", "@interfaceObject"])'
        ' @link(url: "https://specs.test/mine/v1.0", import: ["@mine"]) @composeDirective(name: "@mine")'
        " directive @mine on OBJECT type Query { q: Int @shareable } "
    )
    composition = compose(
        [
            Subgraph("a", "", link + 'type I @interfaceObject @key(fields: "x") @mine { x: Int }'),
            Subgraph(
                "b",
                "",
                link + 'interface I @key(fields: "x") { x: Int } type A implements I @key(fields: "x") { x: Int }',
            ),
        ]
    )
    assert [error.code for error in composition.errors] == ["INVALID_GRAPHQL"]
    assert "@mine on I is not allowed in the supergraph" in composition.errors[0].message


def test_directives_of_the_cost_specification_are_checked_last() -> None:
    link = (
        'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9")'
        ' @link(url: "https://specs.apollo.dev/cost/v0.1", import: ["@cost"]) '
    )
    composition = compose(
        [
            Subgraph(
                "a",
                "",
                link + "type Query { i: I } interface I { x: Int @cost(weight: 1) } type A implements I { x: Int }",
            )
        ]
    )
    assert [error.code for error in composition.errors] == ["COST_APPLIED_TO_INTERFACE_FIELD"]
