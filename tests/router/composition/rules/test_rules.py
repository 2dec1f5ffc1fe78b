"""Each rule on one subgraph, alone, with a schema that breaks it and one that does not.

Covers `router/composition/rules/auth_requirements_applied_on_interface.py`,
`router/composition/rules/context_invalid_selection.py`, `router/composition/rules/context_name_invalid.py`,
`router/composition/rules/context_no_resolvable_key.py`, `router/composition/rules/context_not_set.py`,
`router/composition/rules/find_contextual_arguments.py`, `router/composition/rules/cost_applied_to_interface_field.py`,
`router/composition/rules/external_on_interface.py`, `router/composition/rules/external_unused.py`,
`router/composition/rules/interface_key_not_on_implementation.py`,
`router/composition/rules/interface_object_usage_error.py`, `router/composition/rules/invalid_shareable_usage.py`,
`router/composition/rules/list_size_applied_to_non_list.py`,
`router/composition/rules/list_size_invalid_assumed_size.py`,
`router/composition/rules/list_size_invalid_sized_field.py`,
`router/composition/rules/list_size_invalid_slicing_argument.py`,
`router/composition/rules/find_fields_with_list_size.py`,
`router/composition/rules/no_context_in_selection.py` and `router/composition/rules/provides_placement.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.composition.report import Report
from router.composition.rules import (
    auth_requirements_applied_on_interface,
    context_invalid_selection,
    context_name_invalid,
    context_no_resolvable_key,
    context_not_set,
    cost_applied_to_interface_field,
    external_on_interface,
    external_unused,
    interface_key_not_on_implementation,
    interface_object_usage_error,
    invalid_shareable_usage,
    list_size_applied_to_non_list,
    list_size_invalid_assumed_size,
    list_size_invalid_sized_field,
    list_size_invalid_slicing_argument,
    no_context_in_selection,
    provides_placement,
)
from tests.router.composition.schemas import codes, metadata

if TYPE_CHECKING:
    from types import ModuleType

USER = 'type Query { u: User } type User @key(fields: "id") @context(name: "user") { id: ID! n: String l: [Int] t: T } '


def contextual(field: str, type_: str = "String", key: str = '@key(fields: "id")', default: str = "") -> str:
    return f'{USER} type T {key} {{ id: ID! x(a: {type_}{default} @fromContext(field: "{field}")): Int }}'


CASES: list[tuple[ModuleType, str, int]] = [
    (auth_requirements_applied_on_interface, "interface I @authenticated { x: Int }", 1),
    (auth_requirements_applied_on_interface, "interface I { x: Int @authenticated }", 1),
    (auth_requirements_applied_on_interface, "type I @interfaceObject @authenticated { x: Int }", 1),
    (auth_requirements_applied_on_interface, "type I @interfaceObject { x: Int @authenticated }", 0),
    (context_invalid_selection, contextual("$user { n }"), 0),
    (context_invalid_selection, contextual("$user { nope }"), 1),
    (context_invalid_selection, contextual("$user { n id }"), 1),
    (context_invalid_selection, contextual("$user { alias: n }"), 1),
    (context_invalid_selection, contextual("$user { __typename }"), 1),
    (context_invalid_selection, contextual("$user { l }"), 1),
    (context_invalid_selection, contextual("$user { l }", "[Int]"), 0),
    (context_invalid_selection, contextual("$user { n }", "String!"), 1),
    (context_invalid_selection, contextual("$user { ... on User { n } }"), 0),
    (context_invalid_selection, contextual("$user { ... on T { id } }"), 2),
    (context_name_invalid, 'type T @context(name: "a_b") { x: Int }', 1),
    (context_name_invalid, 'type T @context(name: "ab1") { x: Int }', 0),
    (context_no_resolvable_key, contextual("$user { n }"), 0),
    (context_no_resolvable_key, contextual("$user { n }", key=""), 1),
    (context_no_resolvable_key, contextual("$user { n }", key='@key(fields: "id", resolvable: false)'), 1),
    (context_not_set, contextual("$user { n }"), 0),
    (context_not_set, contextual("$other { n }"), 1),
    (context_not_set, contextual("$user { n }", default=' = "x"'), 1),
    (context_not_set, 'interface I { x(a: Int @fromContext(field: "$c { n }")): Int }', 1),
    (context_not_set, 'directive @d(a: Int @fromContext(field: "$c { n }")) on FIELD', 1),
    (cost_applied_to_interface_field, "interface I { x: Int @cost(weight: 1) }", 1),
    (cost_applied_to_interface_field, "type T { x: Int @cost(weight: 1) }", 0),
    (external_on_interface, "interface I { x: Int @external }", 1),
    (external_unused, 'type T @key(fields: "id") { id: ID x: Int @external }', 1),
    (external_unused, 'type T @key(fields: "id") { id: ID x: Int @external y: Int @requires(fields: "x") }', 0),
    (
        interface_key_not_on_implementation,
        'interface I @key(fields: "x") { x: Int } type T implements I { x: Int }',
        1,
    ),
    (
        interface_key_not_on_implementation,
        'interface I @key(fields: "x y") { x: Int y: Int } type T implements I @key(fields: "y x") { x: Int y: Int }',
        0,
    ),
    (interface_object_usage_error, "type I @interfaceObject { x: Int }", 1),
    (interface_object_usage_error, 'type I @interfaceObject @key(fields: "x") { x: Int }', 0),
    (invalid_shareable_usage, "type T @shareable @shareable { x: Int }", 1),
    (invalid_shareable_usage, "type T { x: Int @shareable @shareable }", 1),
    (invalid_shareable_usage, "interface I { x: Int @shareable }", 1),
    (invalid_shareable_usage, "type T @shareable { x: Int } extend type T @shareable { y: Int }", 0),
    (list_size_applied_to_non_list, "type T { x: Int @listSize(assumedSize: 1) }", 1),
    (list_size_applied_to_non_list, 'type T { x: T @listSize(sizedFields: ["y"]) y: Int }', 1),
    (list_size_applied_to_non_list, 'type T { x: T @listSize(sizedFields: ["y"]) y: [Int] }', 0),
    (list_size_invalid_assumed_size, "type T { x: [Int] @listSize(assumedSize: -1) }", 1),
    (list_size_invalid_assumed_size, "type T { x: [Int] @listSize(assumedSize: 0) }", 0),
    (list_size_invalid_sized_field, 'type T { x: T @listSize(sizedFields: ["nope"]) }', 1),
    (list_size_invalid_sized_field, 'type T { x: Int @listSize(sizedFields: ["y"]) }', 1),
    (list_size_invalid_slicing_argument, 'type T { x(a: String): [Int] @listSize(slicingArguments: ["a"]) }', 1),
    (list_size_invalid_slicing_argument, 'type T { x: [Int] @listSize(slicingArguments: ["a"]) }', 1),
    (list_size_invalid_slicing_argument, 'type T { x(a: Int!): [Int] @listSize(slicingArguments: ["a"]) }', 0),
    (no_context_in_selection, contextual("user { n }"), 1),
    (no_context_in_selection, contextual("$user"), 1),
    (no_context_in_selection, contextual("$user { n"), 0),
    (provides_placement, 'type T @key(fields: "x") { x: Int y: Int @provides(fields: "x") }', 1),
    (provides_placement, 'type T @key(fields: "x") { x: T @provides(fields: "y") y: Int @external }', 0),
]


@pytest.mark.parametrize(
    ("rule", "sdl", "expected"), CASES, ids=[f"{rule.__name__.split('.')[-1]}: {sdl}" for rule, sdl, _ in CASES]
)
def test_a_rule_reports_its_code(rule: ModuleType, sdl: str, expected: int) -> None:
    report = Report()
    rule.check(metadata(sdl if "type Query" in sdl else f"type Query {{ q: Int }} {sdl}"), report)
    assert len(report.errors) == expected
    code = rule.__name__.rpartition(".")[2].upper()
    others = {"PROVIDES_PLACEMENT": "PROVIDES_ON_NON_OBJECT_FIELD"}
    assert set(codes(report)) <= {others.get(code, code)}


def test_a_provided_field_cannot_be_external() -> None:
    report = Report()
    sdl = 'type Query { t: T } type T { id: ID t: T @external @provides(fields: "x") x: Int @external }'
    provides_placement.check(metadata(sdl), report)
    assert codes(report) == ["EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE"]
