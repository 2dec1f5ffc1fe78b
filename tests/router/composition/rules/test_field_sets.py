"""The field sets of `@key`, `@requires` and `@provides`: each problem has the code of its directive.

Covers `router/composition/rules/__init__.py`, `router/composition/rules/check_field_set.py`,
`router/composition/rules/keys.py`,
`router/composition/rules/requires.py`, `router/composition/rules/provides.py` and
`router/composition/key_identity_and_resolvability.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.composition.const_value_nodes import boolean, string
from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
from router.composition.key_identity_and_resolvability import key_identity, resolvable
from router.composition.model import Applied
from router.composition.report import Report
from router.composition.rules import SUBGRAPH_RULES, keys, provides, requires
from tests.router.composition.schemas import codes, metadata, read

if TYPE_CHECKING:
    from types import ModuleType

TYPES = (
    " type U { id: ID e: Int @external a(x: Int!): Int i: I u: U } interface I { id: ID } type Other { id: ID }"
    " type Query { q: T }"
)


def key(fields: str) -> list[str]:
    report = Report()
    keys.check(metadata(f"type T @key(fields: {fields}) {{ id: ID u: U a(x: Int): Int i: I }}{TYPES}"), report)
    return codes(report)


def required(fields: str) -> list[str]:
    report = Report()
    sdl = (
        'type T @key(fields: "id") { id: ID e: Int @external u: U @external a(x: Int!): Int @external'
        f" r: Int @requires(fields: {fields}) }}"
    )
    requires.check(metadata(sdl + TYPES), report)
    return codes(report)


def provided(fields: str) -> list[str]:
    report = Report()
    provides.check(metadata(f"type T {{ u: U @provides(fields: {fields}) }}{TYPES}"), report)
    return codes(report)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('"id u { id }"', []),
        ('"__typename id"', []),
        ("true", ["KEY_INVALID_FIELDS_TYPE"]),
        ('""', ["KEY_INVALID_FIELDS"]),
        ('"nope"', ["KEY_INVALID_FIELDS"]),
        ('"u"', ["KEY_INVALID_FIELDS"]),
        ('"id { x }"', ["KEY_INVALID_FIELDS"]),
        ('"x: id"', ["KEY_INVALID_FIELDS"]),
        ('"...F"', ["KEY_INVALID_FIELDS"]),
        ('"a"', ["KEY_FIELDS_HAS_ARGS"]),
        ('"id @deprecated"', ["KEY_DIRECTIVE_IN_FIELDS_ARG"]),
        ('"id @nope"', ["KEY_INVALID_FIELDS"]),
        ('"i { id }"', ["KEY_FIELDS_SELECT_INVALID_TYPE"]),
    ],
)
def test_the_field_set_of_a_key(fields: str, expected: list[str]) -> None:
    assert key(fields) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('"e u { id }"', []),
        ('"a(x: 1)"', []),
        ('"a"', ["REQUIRES_INVALID_FIELDS"]),
        ('"a(x: 1, y: 2)"', ["REQUIRES_INVALID_FIELDS"]),
        ('"a(x: true)"', ["REQUIRES_INVALID_FIELDS"]),
        ('"id"', ["REQUIRES_FIELDS_MISSING_EXTERNAL"]),
        ('"e @deprecated"', ["REQUIRES_DIRECTIVE_IN_FIELDS_ARG"]),
        ("true", ["REQUIRES_INVALID_FIELDS_TYPE"]),
    ],
)
def test_the_field_set_of_a_requires(fields: str, expected: list[str]) -> None:
    assert required(fields) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('"e"', []),
        ('"id"', ["PROVIDES_FIELDS_MISSING_EXTERNAL"]),
        ('"a(x: 1)"', ["PROVIDES_FIELDS_HAS_ARGS", "PROVIDES_FIELDS_MISSING_EXTERNAL"]),
        ('"... on Other { id }"', ["PROVIDES_FIELDS_MISSING_EXTERNAL"]),
        ('"... on Nope { id }"', ["PROVIDES_FIELDS_MISSING_EXTERNAL"]),
        ("true", ["PROVIDES_INVALID_FIELDS_TYPE"]),
    ],
)
def test_the_field_set_of_a_provides(fields: str, expected: list[str]) -> None:
    assert provided(fields) == expected


@pytest.mark.parametrize(
    ("rule", "sdl", "code"),
    [
        (requires, 'interface I { x: Int y: Int @requires(fields: "x") }', "REQUIRES_UNSUPPORTED_ON_INTERFACE"),
        (
            provides,
            'interface I { u: U @provides(fields: "x") } type U { x: Int @external }',
            "PROVIDES_UNSUPPORTED_ON_INTERFACE",
        ),
    ],
)
def test_directives_that_interface_fields_cannot_have(rule: ModuleType, sdl: str, code: str) -> None:
    report = Report()
    rule.check(metadata(f"type Query {{ q: Int }} {sdl}"), report)
    assert code in codes(report)


def test_keys_on_interfaces_need_federation_2_3() -> None:
    link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.2", import: ["@key"]) '
    report = Report()
    schema = read(link + 'type Query { q: Int } interface I @key(fields: "x") { x: Int }', federation_2=False)
    keys.check(SubgraphMetadata(schema), report)
    assert codes(report) == ["KEY_UNSUPPORTED_ON_INTERFACE"]


def test_unreadable_keys_of_interfaces_and_implementations_are_reported_first() -> None:
    report = Report()
    keys.check_readable(
        metadata(
            'type Query { q: I } interface I @key(fields: "nope") { x: Int }'
            ' type T implements I @key(fields: "x") @key(fields: "nope") @key(fields: "other") { x: Int }'
        ),
        report,
    )
    assert codes(report) == ["KEY_INVALID_FIELDS"]


def applied(fields: str, **arguments: bool) -> Applied:
    given = {name: boolean(value=value) for name, value in arguments.items()}
    return Applied("key", {"fields": string(fields), **given}, "key")


def test_keys_that_select_the_same_fields_are_equal() -> None:
    assert key_identity(applied("a b { c d }")) == key_identity(applied("b { d c } a"))
    assert key_identity(applied("a")) != key_identity(applied("a { b }"))
    assert key_identity(applied("{")) is None


def test_a_key_is_resolvable_unless_it_says_otherwise() -> None:
    assert resolvable(applied("a"))
    assert resolvable(applied("a", resolvable=True))
    assert not resolvable(applied("a", resolvable=False))


def test_every_rule_is_listed_once() -> None:
    assert len(set(SUBGRAPH_RULES)) == len(SUBGRAPH_RULES)
