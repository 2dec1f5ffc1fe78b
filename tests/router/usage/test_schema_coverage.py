"""What nobody used of a schema."""

from __future__ import annotations

from router.usage.schema_coverage import add_unknown_variables, usage_of_schema
from router.usage.usage_data import Counts, OperationUsage
from tests.router.usage.recording import SCHEMA, operation

BOOK = operation("query Book($f: Filter) { book(filter: $f) { title } }", "Book")


def usage(in_variables: frozenset[str] | None) -> OperationUsage:
    return OperationUsage(BOOK, Counts(requests=5), (), 0, in_variables)


def test_every_element_of_the_schema_has_its_requests() -> None:
    found = {each.coordinate: each.requests for each in usage_of_schema(SCHEMA, {"Book.title": 5, "Gone.field": 1})}
    assert found["Book.title"] == 5
    assert found["Book.id"] == 0
    assert {"Query.book(id:)", "Filter.nested", "Genre.POEM", "Any", "Author"} <= found.keys()
    assert "Gone.field" not in found
    assert not any(name.startswith("__") or name == "String" for name in found)


def test_a_variable_that_was_not_looked_at_uses_everything_in_its_type() -> None:
    unknown = add_unknown_variables(SCHEMA, {"Filter": 5}, [usage(None)])
    assert unknown["Genre.POEM"] == 5
    assert unknown["Filter.text"] == 5
    assert unknown["Filter"] == 5
    assert "Genre.POEM" not in add_unknown_variables(SCHEMA, {}, [usage(frozenset())])
