"""Errors, hints and their places.

Covers `router/composition/report.py`, `router/composition/file_locations.py` and `router/composition/model.py`.
"""

from __future__ import annotations

import pytest

from router.composition import Location
from router.composition.file_locations import SourceFile
from router.composition.model import Applied, Kind, all_applied
from router.composition.report import Report, locate
from router.composition.type_refs import Named
from tests.router.composition.schemas import LINK, field, read


def test_a_definition_is_located_at_its_name() -> None:
    schema = read('"""\nlong\n"""\ntype Query { a: Int }')
    line = LINK.count("\n") + 4
    assert locate([("a", schema.types["Query"].node)]) == (Location("a", line, 6),)
    assert str(Location("a", 3, 1)) == "a:3:1"


def test_places_without_a_text_have_no_location_and_repeated_ones_count_once() -> None:
    location = Location("a", 1, 1)
    assert locate([("a", None), location, location]) == (location,)


def test_a_report_has_failed_with_its_first_error_and_not_with_a_hint() -> None:
    report = Report()
    report.hint("UNUSED_ENUM_TYPE", "unused")
    assert not report.failed()
    assert [hint.level for hint in report.hints] == ["DEBUG"]
    report.error("NO_QUERIES", "none")
    assert report.failed()


@pytest.mark.parametrize(
    ("file", "place"),
    [
        (SourceFile("a.graphql"), "a.graphql:3:5"),
        (SourceFile("s.yaml", 10, 4), "s.yaml:12:9"),
        (SourceFile("s.yaml", 10, verbatim=False), "s.yaml:10:1"),
    ],
)
def test_a_location_becomes_a_place_in_the_file(file: SourceFile, place: str) -> None:
    assert str(file.place(Location("a", 3, 5))) == place


def test_possible_types_are_members_implementations_or_the_type_itself() -> None:
    schema = read(
        "type Query { u: U } union U = A | B interface I { x: Int } type A implements I { x: Int } type B { x: Int }"
    )
    assert schema.possible_types("U") == ["A", "B"]
    assert schema.possible_types("I") == ["A"]
    assert schema.possible_types("B") == ["B"]
    assert schema.possible_types("Nope") == []


def test_the_kind_of_a_type_reference_is_that_of_its_name() -> None:
    schema = read("type Query { a: Int } enum E { A }")
    assert schema.kind_of(Named("E")) is Kind.ENUM
    assert schema.kind_of(Named("Int")) is Kind.SCALAR
    assert schema.kind_of(Named("Nope")) is None


def test_every_directive_of_a_schema_is_found() -> None:
    schema = read(
        'type Query @tag(name: "1") { a(x: Int @tag(name: "2")): Int @tag(name: "3") }'
        ' enum E { A @tag(name: "4") } input I { x: Int @tag(name: "5") }'
    )
    assert sorted(filter(None, (each.text("name") for each in all_applied(schema)))) == ["1", "2", "3", "4", "5"]


def test_an_element_knows_its_directives_by_the_name_in_the_specification() -> None:
    link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3") '
    sdl = 'type Query { a: A } type A @federation__key(fields: "id") { id: ID! x(y: Int! = 1): Int }'
    schema = read(link + sdl, federation_2=False)
    definition = schema.types["A"]
    assert [key.name for key in definition.keys] == ["federation__key"]
    assert definition.has("key")
    assert not field(schema, "A.x").arguments["y"].required
    assert field(schema, "A.x").coordinate == "A.x"


def test_a_directive_without_a_string_has_no_field_set() -> None:
    assert Applied("key", {}, "key").field_set is None
