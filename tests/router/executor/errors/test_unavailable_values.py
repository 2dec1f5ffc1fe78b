"""Values that are unavailable after a failure have errors of their own, unless another fetch returns the values."""

from __future__ import annotations

import pytest

from router.plan import Fetch, Key, KeyRenamer, Parallel
from tests.router.executor.harness import Scripted, responds, run
from tests.router.plan.fetches import fetch

SDL = """
  type Query { user: User users: [User] other: Int grid: [[Shelf]] }
  type User { name: String rating: Int stars: Int shelf: Shelf shelves: [Shelf] }
  type Shelf { size: Int price: Int weight: Int }
"""
UNAVAILABLE = "REQUIRED_VALUE_UNKNOWN"
REPORTED = "DOWNSTREAM_SERVICE_ERROR"


async def errors_of(
    query: str, names: Fetch, ratings: Fetch, brought: object, failed: dict[str, object]
) -> tuple[object, list[tuple[object, str]]]:
    """Return the data and the errors when the second of two fetches for the same objects gets the response `failed`."""
    transport = Scripted({"names": responds({"data": brought}), "ratings": responds(failed)})
    result = await run(SDL, query, Parallel((names, ratings)), transport)
    return result.data, sorted((error.path or (), str(error.code)) for error in result.errors)


def names(operation: str) -> Fetch:
    return fetch(0, "names", operation, "query")


def ratings(operation: str, *renamed: KeyRenamer) -> Fetch:
    return fetch(1, "ratings", operation, "query", output_rewrites=renamed)


async def test_the_other_fields_of_the_fetch_are_unavailable_after_null_propagation() -> None:
    data, errors = await errors_of(
        "{user{name rating stars}}",
        names("{user{name}}"),
        ratings("{user{rating stars}}"),
        {"user": {"name": "Ann"}},
        {"data": {"user": None}, "errors": [{"message": "broken", "path": ["user", "rating"]}]},
    )
    assert data == {"user": {"name": "Ann", "rating": None, "stars": None}}
    assert errors == [(("user", "rating"), REPORTED), (("user", "stars"), UNAVAILABLE)]


async def test_fields_that_a_fetch_did_bring_are_available() -> None:
    data, errors = await errors_of(
        "{user{name rating stars}}",
        names("{user{name stars}}"),
        ratings("{user{rating stars}}"),
        {"user": {"name": None, "stars": 3}},
        {"data": {"user": {"rating": None, "stars": 3}}, "errors": [{"message": "b", "path": ["user", "rating"]}]},
    )
    assert data == {"user": {"name": None, "rating": None, "stars": 3}}
    assert errors == [(("user", "rating"), REPORTED)]


async def test_a_field_is_unavailable_in_every_object_of_a_list_of_another_fetch() -> None:
    data, errors = await errors_of(
        "{users{shelves{size price weight}}}",
        names("{users{shelves{size}}}"),
        ratings("{users{shelves{price weight}}}"),
        {"users": [{"shelves": [{"size": 1}, None, {"size": 2}]}, {"shelves": []}]},
        {
            "data": {"users": [{"shelves": None}, {"shelves": []}]},
            "errors": [{"message": "broken", "path": ["users", 0, "shelves", 2, "price"]}],
        },
    )
    nothing = {"price": None, "weight": None}
    assert data == {"users": [{"shelves": [{"size": 1} | nothing, None, {"size": 2} | nothing]}, {"shelves": []}]}
    assert errors == [
        (("users", 0, "shelves", 0, "price"), UNAVAILABLE),
        (("users", 0, "shelves", 0, "weight"), UNAVAILABLE),
        (("users", 0, "shelves", 2, "price"), REPORTED),
        (("users", 0, "shelves", 2, "weight"), UNAVAILABLE),
    ]


async def test_a_field_is_unavailable_only_in_the_inner_list_that_failed() -> None:
    data, errors = await errors_of(
        "{grid{size price}}",
        names("{grid{size}}"),
        ratings("{grid{price}}"),
        {"grid": [[{"size": 1}, {"size": 2}], [{"size": 3}]]},
        {
            "data": {"grid": [None, [{"price": None}]]},
            "errors": [{"message": "broken", "path": ["grid", 0, 0, "price"]}],
        },
    )
    assert data == {"grid": [[{"size": 1, "price": None}, {"size": 2, "price": None}], [{"size": 3, "price": None}]]}
    assert errors == [(("grid", 0, 0, "price"), REPORTED), (("grid", 0, 1, "price"), UNAVAILABLE)]


async def test_an_unavailable_field_is_reported_under_the_clients_response_key() -> None:
    renamed = KeyRenamer((Key("user"), Key("stars__alias_0")), "stars")
    data, errors = await errors_of(
        "{user{name rating stars}}",
        names("{user{name}}"),
        ratings("{user{rating stars__alias_0:stars}}", renamed),
        {"user": {"name": "Ann"}},
        {"data": {"user": None}, "errors": [{"message": "broken", "path": ["user", "rating"]}]},
    )
    assert data == {"user": {"name": "Ann", "rating": None, "stars": None}}
    assert errors == [(("user", "rating"), REPORTED), (("user", "stars"), UNAVAILABLE)]


@pytest.mark.parametrize("place", [["user", "rating"], ["user"]])
async def test_without_any_data_every_root_field_is_unavailable(place: list[str]) -> None:
    data, errors = await errors_of(
        "{user{name rating} other}",
        names("{user{name}}"),
        ratings("{user{rating} other}"),
        {"user": {"name": "Ann"}},
        {"data": None, "errors": [{"message": "broken", "path": place}]},
    )
    assert data == {"user": {"name": "Ann", "rating": None}, "other": None}
    assert errors == [(("other",), UNAVAILABLE), (tuple(place), REPORTED)]
