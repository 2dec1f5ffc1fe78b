from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.errors import SubgraphUnreachable
from router.executor.errors.error_translation import FetchTarget, fetch_failure, null_propagation, response_errors
from router.plan import Fetch, InputField, InputFragment, Key, KeyRenamer

if TYPE_CHECKING:
    from router.errors import PathSegment, ResponsePath

KEY = (InputFragment("User", (InputField("id"),)),)
ENTITIES = FetchTarget(
    Fetch(1, "stock", "", "query", requires=KEY), {0: [("users", 0)], 1: [("users", 1), ("users", 4)]}
)
ROOT = FetchTarget(Fetch(0, "users", "", "query"), {"me": [("me",)], "count": [("count",)]})
BELOW = FetchTarget(Fetch(0, "users", "", "query"), {"me": [("a", "me"), ("b", "me")]})


def paths(target: FetchTarget, path: object, values: dict[PathSegment, object]) -> list[ResponsePath | None]:
    return [error.path for error in response_errors(target, [{"message": "x", "path": path}], values)]


@pytest.mark.parametrize(
    ("target", "path", "expected"),
    [
        (ENTITIES, ["_entities", 1, "stock", 0], [("users", 1, "stock", 0), ("users", 4, "stock", 0)]),
        (ENTITIES, ["_entities", 0], [("users", 0)]),
        (ROOT, ["me", "name"], [("me", "name")]),
        (BELOW, ["me", "name"], [("a", "me", "name"), ("b", "me", "name")]),
    ],
)
def test_a_path_is_translated_to_every_place_in_the_clients_response(
    target: FetchTarget, path: list[str | int], expected: list[ResponsePath]
) -> None:
    assert paths(target, path, {0: {}, 1: {}, "me": {}, "count": 1}) == expected


@pytest.mark.parametrize(
    "path", [None, "me", [], ["other"], ["_entities"], ["_entities", 7], ["_entities", "0"], [{}], [1.5]]
)
def test_an_error_without_a_usable_path_is_reported_at_every_null(path: object) -> None:
    assert paths(ENTITIES, path, {0: {}, 1: None}) == [("users", 1), ("users", 4)]


def test_without_a_null_it_is_reported_where_all_objects_are() -> None:
    assert paths(ENTITIES, None, {0: {}, 1: {}}) == [("users",)]
    assert paths(ROOT, None, {"me": {}, "count": 1}) == [None]


def test_paths_have_the_keys_of_the_client() -> None:
    renamed = KeyRenamer((Key("name__alias_0"),), "name")
    target = FetchTarget(Fetch(1, "a", "", "query", requires=KEY, output_rewrites=(renamed,)), {0: [("me",)]})
    assert paths(target, ["_entities", 0, "name__alias_0"], {0: {}}) == [("me", "name")]


def test_message_code_and_extensions_are_those_of_the_subgraph() -> None:
    entry = {"message": "no stock", "path": ["me"], "extensions": {"code": "EMPTY", "shelf": 3}}
    (error,) = response_errors(ROOT, [entry], {"me": None, "count": 1})
    assert (error.message, error.code, error.origin, error.extensions) == ("no stock", "EMPTY", "users", {"shelf": 3})


@pytest.mark.parametrize("entry", ["x", None, {}, {"message": 1, "extensions": "x"}, {"extensions": {"code": 7}}])
def test_an_entry_of_any_shape_is_an_error(entry: object) -> None:
    (error,) = response_errors(ROOT, [entry], {"me": None, "count": 1})
    assert (error.message, error.code, error.path) == (
        "The subgraph reported an error without a message.",
        "DOWNSTREAM_SERVICE_ERROR",
        ("me",),
    )


def test_a_failed_fetch_is_reported_at_each_of_its_objects() -> None:
    failure = SubgraphUnreachable("stock", "not reachable", status=503, detail="host")
    failure.retry_after = 3
    errors = fetch_failure(ENTITIES, failure)
    assert [error.path for error in errors] == [("users", 0), ("users", 1), ("users", 4)]
    assert {error.code for error in errors} == {"SUBREQUEST_HTTP_ERROR"}
    assert errors[0].extensions == {"http": {"status": 503}, "retryAfter": 3}
    assert errors[0].detail == "host"


def propagated(
    target: FetchTarget, path: list[str | int], values: dict[PathSegment, object]
) -> list[tuple[list[ResponsePath], ResponsePath]]:
    return list(null_propagation(target, [{"path": path}], values))


def test_a_null_above_the_path_of_an_error_was_propagated() -> None:
    assert propagated(ROOT, ["me", "best", "name"], {"me": {"best": None}}) == [([("me", "best")], ("me", "best"))]
    assert propagated(ROOT, ["me", "best", "name"], {"me": None}) == [([("me",)], ("me",))]


def test_the_path_of_an_entity_begins_at_the_entity() -> None:
    places: list[ResponsePath] = [("users", 1), ("users", 4)]
    assert propagated(ENTITIES, ["_entities", 1, "stock"], {0: {}, 1: None}) == [(places, ())]


def test_a_null_at_the_path_of_an_error_was_not_propagated() -> None:
    assert propagated(ROOT, ["me", "best"], {"me": {"best": None}}) == []


def test_without_any_data_the_null_reached_the_objects_of_the_fetch() -> None:
    assert propagated(BELOW, ["me", "name"], {}) == [([("a",), ("b",)], ())]
