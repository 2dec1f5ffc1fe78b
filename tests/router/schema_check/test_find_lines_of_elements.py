from __future__ import annotations

import pytest

from router.composition.file_locations import SourceFile
from router.schema_check.find_lines_of_elements import CoordinatePlaces, SchemaText

SDL = """\
directive @d(x: Int) on FIELD
type Query {
  "What it is."
  a(x: Int): Int
}
extend type Query { b: Int }
enum E { X }
input In { y: Int }
"""


@pytest.mark.parametrize(
    ("coordinate", "place"),
    [
        ("@d", "s.graphql:1:12"),
        ("@d(x:)", "s.graphql:1:14"),
        ("Query", "s.graphql:2:6"),
        ("Query.a", "s.graphql:4:3"),
        ("Query.a(x:)", "s.graphql:4:5"),
        ("Query.b", "s.graphql:6:21"),
        ("E.X", "s.graphql:7:10"),
        ("In.y", "s.graphql:8:12"),
        # What is gone is shown at what contained it.
        ("Query.gone", "s.graphql:2:6"),
        ("Query.a(gone:)", "s.graphql:4:3"),
        ("Gone", None),
    ],
)
def test_the_place_of_a_coordinate(coordinate: str, place: str | None) -> None:
    places = CoordinatePlaces.of([SchemaText(SDL, SourceFile("s.graphql"))], [coordinate])
    found = places.find(coordinate)
    assert (None if found is None else str(found)) == place


def test_texts_without_a_file_or_with_errors_have_no_places() -> None:
    places = CoordinatePlaces.of([SchemaText(SDL, None), SchemaText("type {", SourceFile("bad.graphql"))], ["Query"])
    assert places.find("Query") is None
