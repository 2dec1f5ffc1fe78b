from __future__ import annotations

from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
from tests.router.composition.schemas import field, metadata, read


def test_external_fields_are_marked_themselves_or_through_their_type() -> None:
    subgraph = metadata(
        "type Query { a: A b: B } type A @external { x: Int }"
        ' type B @key(fields: "id") { id: ID y: Int @external z: Int }'
    )
    assert subgraph.external == {"A.x", "B.y"}
    assert subgraph.is_external(field(subgraph.schema, "B.y"))


def test_an_external_key_field_of_an_extension_does_not_count() -> None:
    subgraph = metadata('type Query { a: A } extend type A @key(fields: "id") { id: ID @external x: Int @external }')
    assert subgraph.fake_external == {"A.id"}
    assert subgraph.external == {"A.x"}


def test_federation_1_ignores_external_on_types() -> None:
    subgraph = SubgraphMetadata(
        read("directive @external on OBJECT type Query { a: A } type A @external { x: Int }", federation_2=False)
    )
    assert subgraph.external == frozenset()


def test_a_provided_field_is_not_fully_external() -> None:
    subgraph = metadata(
        'type Query { a: A @provides(fields: "x") } type A @key(fields: "id") { id: ID x: Int @external }'
    )
    assert subgraph.provided == {"A.x"}
    assert not subgraph.is_fully_external(field(subgraph.schema, "A.x"))


def test_shareable_counts_for_the_block_that_has_it() -> None:
    subgraph = metadata(
        'type Query { a: A } type A @key(fields: "id") { id: ID x: Int } extend type A @shareable { y: Int }'
    )
    assert subgraph.shareable == {"A.id", "A.y"}
    assert subgraph.is_shareable(field(subgraph.schema, "A.y"))


def test_used_fields_are_selected_or_implement_an_interface() -> None:
    subgraph = metadata(
        'type Query { a: A } interface I { i: Int } type A implements I @key(fields: "id") {'
        ' id: ID i: Int need: Int @external r: Int @requires(fields: "need") other: Int }'
    )
    assert subgraph.used == {"A.id", "A.i", "A.need"}
    assert not subgraph.is_used(field(subgraph.schema, "A.other"))


def test_settled_properties_stay_after_a_change() -> None:
    subgraph = metadata('type Query { a: A } type A @key(fields: "id") { id: ID x: Int @external }')
    subgraph.settle()
    field(subgraph.schema, "A.x").directives.clear()
    assert subgraph.external == {"A.x"}


def test_each_field_set_has_the_type_that_it_selects_on() -> None:
    subgraph = metadata(
        'type Query { a: A @provides(fields: "x") } type A @key(fields: "id") { id: ID x: Int @external'
        ' y: Int @requires(fields: "x") }'
    )
    uses = [(name, applied.element) for name, applied in subgraph.field_set_uses()]
    assert uses == [("A", "key"), ("A", "provides"), ("A", "requires")]


def test_interface_objects_stand_for_interfaces_of_other_subgraphs() -> None:
    subgraph = metadata('type Query { a: I } type I @interfaceObject @key(fields: "id") { id: ID x: Int }')
    implementation = read("type Query { a: A } interface I { id: ID } type A implements I { id: ID }").types["A"]
    assert [each.name for each in subgraph.interface_objects_for(implementation)] == ["I"]
