"""Each step of the upgrade from Federation 1, on the smallest schema that it changes.

Covers `router/composition/upgrade/__init__.py`, `router/composition/upgrade/upgrade_type_extensions.py`,
`router/composition/upgrade/drop_externals.py`,
`router/composition/upgrade/rewrite_field_sets.py`, `router/composition/upgrade/drop_ignored_directives.py`,
`router/composition/upgrade/upgrade_step_input.py`, `router/composition/upgrade/add_shareable.py` and
`router/composition/upgrade/drop_repeated_tags.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.composition.report import Report
from router.composition.upgrade import upgrade
from router.composition.upgrade.upgrade_step_input import Original, is_extension
from router.federation.linked_specs import FEDERATION_IDENTITY
from router.federation.version_numbers import Version
from tests.router.composition.schemas import codes, field, read

if TYPE_CHECKING:
    from router.composition.model import SubgraphSchema


def upgraded(*sdls: str) -> tuple[list[SubgraphSchema], Report]:
    report = Report()
    schemas = [read(sdl, name, federation_2=False) for sdl, name in zip(sdls, "abc", strict=False)]
    return upgrade(schemas, report), report


def test_an_upgraded_schema_links_federation_2_4() -> None:
    (schema,), report = upgraded("type Query { a: Int }")
    assert codes(report) == []
    assert schema.version == Version(2, 4)
    link = schema.links.get(FEDERATION_IDENTITY)
    assert link is not None
    assert link.directive_name("shareable") == "shareable"


def test_federation_2_schemas_are_not_upgraded() -> None:
    assert upgrade([read("type Query { a: Int }")], Report()) == []


@pytest.mark.parametrize("fields", ['["id", "sku"]', '"id sku"'])
def test_field_sets_become_strings(fields: str) -> None:
    (schema,), _ = upgraded(f"type Query {{ a: A }} type A @key(fields: {fields}) {{ id: ID sku: ID }}")
    assert schema.types["A"].keys[0].text("fields") == "id sku"


def test_fields_that_are_not_external_are_dropped_from_field_sets() -> None:
    (schema, _), _ = upgraded(
        'type Query { a: A } extend type A @key(fields: "id") { id: ID @external x: Int @external y: Int'
        ' z: Int @requires(fields: "x y") w: Int @requires(fields: "y") }',
        'type A @key(fields: "id") { id: ID x: Int }',
    )
    assert [applied.text("fields") for applied in field(schema, "A.z").applied("requires")] == ["x"]
    assert not field(schema, "A.w").has("requires")


def test_key_fields_of_extensions_are_not_external_any_more() -> None:
    (schema, _), report = upgraded(
        'type Query { a: A } extend type A @key(fields: "id") { id: ID @external x: Int }',
        'type A @key(fields: "id") { id: ID }',
    )
    assert codes(report) == []
    assert not field(schema, "A.id").has("external")
    assert not is_extension(schema.types["A"])


def test_an_extension_without_a_base_is_an_error() -> None:
    _, report = upgraded('type Query { a: A } extend type A @key(fields: "id") { id: ID @external x: Int }')
    assert codes(report) == ["EXTENSION_WITH_NO_BASE"]


def test_external_is_dropped_where_federation_1_ignores_it() -> None:
    (schema,), _ = upgraded(
        "directive @external on OBJECT | FIELD_DEFINITION type Query { i: I t: T } interface I { x: Int @external }"
        " type T @external { x: Int }"
    )
    assert not field(schema, "I.x").has("external")
    assert not schema.types["T"].has("external")


def test_unused_external_fields_are_dropped() -> None:
    (schema, _), _ = upgraded(
        'type Query { a: A } extend type A @key(fields: "id") { id: ID @external x: Int @external y: Int }',
        'type A @key(fields: "id") { id: ID x: Int }',
    )
    assert list(schema.types["A"].fields) == ["id", "y"]


def test_a_type_with_only_unused_external_fields_is_an_error_if_it_is_referred_to() -> None:
    _, report = upgraded("type Query { a: A } extend type A { x: Int @external }", "type A { x: Int y: Int }")
    assert codes(report) == ["TYPE_WITH_ONLY_UNUSED_EXTERNAL"]


def test_directives_on_interfaces_are_dropped() -> None:
    (schema,), _ = upgraded(
        "directive @key(fields: String!) on INTERFACE | OBJECT"
        ' type Query { i: I l: Int @provides(fields: "x") } interface I @key(fields: "x") {'
        ' x: Int @requires(fields: "x") t: T @provides(fields: "x") } type T { x: Int }'
    )
    assert schema.types["I"].keys == []
    assert not field(schema, "I.x").has("requires")
    assert not field(schema, "I.t").has("provides")
    assert not field(schema, "Query.l").has("provides")


def test_value_types_and_fields_that_others_resolve_become_shareable() -> None:
    (one, _), _ = upgraded(
        'type Query { v: V } type V { x: Int } type E @key(fields: "id") { id: ID y: Int z: Int }',
        'type Query { w: V } type V { x: Int } type E @key(fields: "id") { id: ID y: Int }',
    )
    assert one.types["V"].has("shareable")
    assert field(one, "E.y").has("shareable")
    assert not field(one, "E.z").has("shareable")
    assert not field(one, "E.id").has("shareable")


def test_an_own_definition_of_shareable_must_allow_both_locations() -> None:
    _, report = upgraded("directive @shareable on OBJECT type Query { a: Int }", "type Query { b: Int }")
    assert codes(report) == ["INVALID_GRAPHQL"]


def test_a_tag_that_the_resolving_subgraph_has_too_is_dropped() -> None:
    (schema, _), _ = upgraded(
        'type Query { a: A } extend type A @key(fields: "id") { id: ID @external'
        ' x: Int @external @tag(name: "t") @tag(name: "own") y: Int @requires(fields: "x") }',
        'type A @key(fields: "id") { id: ID x: Int @tag(name: "t") }',
    )
    assert [tag.text("name") for tag in field(schema, "A.x").applied("tag")] == ["own"]


def test_an_interface_object_conflicts_with_a_federation_1_interface() -> None:
    report = Report()
    old = read(
        "directive @key(fields: String!) on INTERFACE | OBJECT"
        ' type Query { i: I } interface I @key(fields: "x") { x: Int } type T implements I { x: Int }',
        federation_2=False,
    )
    new = read('type I @interfaceObject @key(fields: "x") { x: Int }', "b")
    assert upgrade([old, new], report) == []
    assert codes(report) == ["INTERFACE_OBJECT_USAGE_ERROR"]


def test_the_original_records_what_others_look_at() -> None:
    schema = read(
        'extend type A @key(fields: "id") { id: ID @external x: Int @tag(name: "t") } type B { y: Int }',
        federation_2=False,
    )
    original = Original.of(schema)
    assert original.types == {"A", "B"}
    assert original.bases == {"B"}
    assert original.resolved == {"A.id", "A.x", "B.y"}
    assert original.first_key_fields == {"A": {"id"}}
    assert len(original.tags["A.x"]) == 1
