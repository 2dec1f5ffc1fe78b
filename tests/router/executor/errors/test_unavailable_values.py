"""What a failure takes along has errors of its own, where no other fetch brings it."""

from __future__ import annotations

import pytest

from router.plan import Fetch, Key, KeyRenamer, Parallel
from tests.router.executor.harness import Scripted, answers, run
from tests.router.plan.fetches import fetch

SDL = """
  type Query { user: User users: [User] other: Int grid: [[Shelf]] }
  type User { name: String rating: Int stars: Int shelf: Shelf shelves: [Shelf] }
  type Shelf { size: Int price: Int weight: Int }
"""
LOST = "REQUIRED_VALUE_UNKNOWN"
TOLD = "DOWNSTREAM_SERVICE_ERROR"


async def errors_of(
    query: str, names: Fetch, ratings: Fetch, brought: object, failed: dict[str, object]
) -> tuple[object, list[tuple[object, str]]]:
    """The data and the errors where one of two fetches for the same objects fails as `failed` says."""
    transport = Scripted({"names": answers({"data": brought}), "ratings": answers(failed)})
    result = await run(SDL, query, Parallel((names, ratings)), transport)
    return result.data, sorted((error.path or (), str(error.code)) for error in result.errors)


def names(operation: str) -> Fetch:
    return fetch(0, "names", operation, "query")


def ratings(operation: str, *renamed: KeyRenamer) -> Fetch:
    return fetch(1, "ratings", operation, "query", output_rewrites=renamed)


async def test_what_was_to_come_with_the_null_is_lost() -> None:
    data, errors = await errors_of(
        "{user{name rating stars}}",
        names("{user{name}}"),
        ratings("{user{rating stars}}"),
        {"user": {"name": "Ann"}},
        {"data": {"user": None}, "errors": [{"message": "broken", "path": ["user", "rating"]}]},
    )
    assert data == {"user": {"name": "Ann", "rating": None, "stars": None}}
    assert errors == [(("user", "rating"), TOLD), (("user", "stars"), LOST)]


async def test_what_another_fetch_brings_is_not_lost_nor_is_what_comes_with_a_null_in_its_place() -> None:
    data, errors = await errors_of(
        "{user{name rating stars}}",
        names("{user{name stars}}"),
        ratings("{user{rating stars}}"),
        {"user": {"name": None, "stars": 3}},
        {"data": {"user": {"rating": None, "stars": 3}}, "errors": [{"message": "b", "path": ["user", "rating"]}]},
    )
    assert data == {"user": {"name": None, "rating": None, "stars": 3}}
    assert errors == [(("user", "rating"), TOLD)]


async def test_it_is_lost_in_every_object_of_a_list_that_another_fetch_brings() -> None:
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
        (("users", 0, "shelves", 0, "price"), LOST),
        (("users", 0, "shelves", 0, "weight"), LOST),
        (("users", 0, "shelves", 2, "price"), TOLD),
        (("users", 0, "shelves", 2, "weight"), LOST),
    ]


async def test_it_is_lost_in_the_one_list_of_a_list_that_failed() -> None:
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
    assert errors == [(("grid", 0, 0, "price"), TOLD), (("grid", 0, 1, "price"), LOST)]


async def test_it_is_lost_under_the_name_that_the_client_gave_it() -> None:
    renamed = KeyRenamer((Key("user"), Key("stars__alias_0")), "stars")
    data, errors = await errors_of(
        "{user{name rating stars}}",
        names("{user{name}}"),
        ratings("{user{rating stars__alias_0:stars}}", renamed),
        {"user": {"name": "Ann"}},
        {"data": {"user": None}, "errors": [{"message": "broken", "path": ["user", "rating"]}]},
    )
    assert data == {"user": {"name": "Ann", "rating": None, "stars": None}}
    assert errors == [(("user", "rating"), TOLD), (("user", "stars"), LOST)]


@pytest.mark.parametrize("place", [["user", "rating"], ["user"]])
async def test_with_all_data_lost_every_root_field_is(place: list[str]) -> None:
    data, errors = await errors_of(
        "{user{name rating} other}",
        names("{user{name}}"),
        ratings("{user{rating} other}"),
        {"user": {"name": "Ann"}},
        {"data": None, "errors": [{"message": "broken", "path": place}]},
    )
    assert data == {"user": {"name": "Ann", "rating": None}, "other": None}
    assert errors == [(("other",), LOST), (tuple(place), TOLD)]
