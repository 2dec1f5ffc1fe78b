from __future__ import annotations

from graphql import build_schema

from router.errors import ResponseError
from router.executor.errors.recorded_error_paths import RecordedErrorPaths
from router.executor.interpreter.objects_at_path import collect
from router.executor.interpreter.read_context_values import ContextReader
from router.plan import Each, Fetch, Key, KeyRenamer, Parent, TypeIs

SCHEMA = build_schema("type Query { shops: [Shop] } type Shop { currency: String items: [Item] } type Item { id: ID }")
TREE: dict[str, object] = {
    "shops": [
        {"__typename": "Shop", "currency": "EUR", "items": [{"id": 1}, {"id": 2}]},
        {"__typename": "Shop", "currency": None, "items": [{"id": 3}]},
        {"__typename": "Stand", "currency": "USD", "items": [{"id": 4}]},
        {"__typename": "Shop", "items": [{"id": 5}]},
        {"__typename": "Shop", "currency": "EUR", "items": [{"id": 6}]},
    ]
}
ITEMS = collect(TREE, (Key("shops"), Each(), Key("items"), Each()))
CURRENCY = KeyRenamer((Parent(), TypeIs(("Shop",)), Key("currency")), "currency")


def grouped(*errors: tuple[str | int, ...]) -> tuple[list[tuple[dict[str, object], list[object]]], list[object]]:
    """Return the variables of each group with the ids of its items, and the ids with an unknown value."""
    failures = RecordedErrorPaths.of(ResponseError(message="x", path=path) for path in errors)
    fetch = Fetch(1, "prices", "", "query", context_rewrites=(CURRENCY,))
    groups, unknown = ContextReader(SCHEMA, TREE, failures).by_context(fetch, ITEMS)
    ids = [(group.variables, [place.object["id"] for place in group.places]) for group in groups]
    return ids, [place.object["id"] for place in unknown]


def test_objects_are_grouped_by_the_values_around_them() -> None:
    assert grouped() == ([({"currency": "EUR"}, [1, 2, 6]), ({"currency": None}, [3, 5]), ({}, [4])], [])


def test_a_value_that_failed_is_unknown() -> None:
    groups, unknown = grouped(("shops", 1, "currency"))
    assert groups == [({"currency": "EUR"}, [1, 2, 6]), ({}, [4]), ({"currency": None}, [5])]
    assert unknown == [3]


def test_an_absent_value_below_a_failure_is_unknown() -> None:
    assert grouped(("shops", 3))[1] == [5]


def test_without_a_context_all_objects_are_one_group() -> None:
    groups, unknown = ContextReader(SCHEMA, TREE, RecordedErrorPaths()).by_context(Fetch(1, "a", "", "query"), ITEMS)
    assert [(group.variables, len(group.places)) for group in groups] == [({}, 6)]
    assert unknown == []
