"""A batch is one request, and each of its parts gets the same result as from a separate request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from graphql import OperationDefinitionNode, build_schema, parse, validate

from router.errors import SubgraphUnreachable
from router.executor.interpreter.combine_and_split_entity_fetches import split_response
from router.plan import (
    BatchFetch,
    BatchPart,
    Condition,
    Each,
    Flatten,
    InputField,
    InputFragment,
    Key,
    KeyRenamer,
    Parallel,
    Sequence,
)
from tests.router.executor.harness import Scripted, responds, run
from tests.router.plan.fetches import fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.plan import Path
    from router.transport.interface import SubgraphRequest, SubgraphResponse
    from tests.router.executor.harness import ScriptedResponse

SDL = """
  type Query { users: [User] best: User }
  type User { id: ID! name: String rating(of: Int): Int price: Int }
"""
RATINGS = build_schema("""
  scalar _Any
  type Query { _entities(representations: [_Any!]!): [_Entity]! }
  union _Entity = User
  type User { id: ID! rating(of: Int): Int price: Int }
""")
NEEDS = (InputFragment("User", (InputField("__typename"), InputField("id"))),)
QUERY = "query($a:Int=1 $b:Int $on:Boolean!=true){users{rating(of:$a)} best{price rating(of:$b) @include(if:$on)}}"
USERS: Path = (Key("users"), Each())
BEST: Path = (Key("best"),)
DEFINITIONS = {"a": "$a:Int=1", "b": "$b:Int"}


def part(
    index: int,
    path: Path,
    selections: str,
    variables: tuple[str, ...] = (),
    renames: tuple[KeyRenamer, ...] = (),
) -> BatchPart:
    definitions = "".join(DEFINITIONS[name] for name in variables)
    operation = (
        f"query($representations:[_Any!]!{definitions}){{_entities(representations:$representations){selections}}}"
    )
    node = fetch(
        2 + index,
        "ratings",
        operation,
        "query",
        variable_usages=variables,
        requires=NEEDS,
        depends_on=(1,) if path == BEST else (0,),
        output_rewrites=renames,
    )
    return BatchPart(f"_e{index}", f"representations_{index}", selections, Flatten(path, node))


OF_USERS = part(0, USERS, "{...on User{rating(of:$a)}}", ("a",))
OF_BEST = part(1, BEST, "{...on User{price rating(of:$b)}}", ("b",))
PARTS = (OF_USERS, OF_BEST)


def planned(parts: tuple[BatchPart, ...] = PARTS) -> Sequence:
    roots = (fetch(0, "users", "{users{__typename id}}", "query"), fetch(1, "best", "{best{__typename id}}", "query"))
    return Sequence((Parallel(roots), BatchFetch("ratings", parts, tuple(DEFINITIONS.items()))))


def user(id_: str) -> dict[str, object]:
    return {"__typename": "User", "id": id_}


def transport(
    *ratings: ScriptedResponse, users: ScriptedResponse | None = None, best: ScriptedResponse | None = None
) -> Scripted:
    return Scripted(
        {
            "users": responds(users or {"data": {"users": [user("1"), user("2"), user("1")]}}),
            "best": responds(best or {"data": {"best": user("2")}}),
            "ratings": _legal(*ratings),
        }
    )


def _legal(*bodies: ScriptedResponse) -> Callable[[SubgraphRequest], ScriptedResponse]:
    remaining = iter(bodies)

    def answer(request: SubgraphRequest) -> ScriptedResponse:
        assert validate(RATINGS, parse(request.operation)) == []
        return next(remaining)

    return answer


def batch_of(e0: object, e1: object, *errors: Mapping[str, object]) -> ScriptedResponse:
    return {"data": {"_e0": e0, "_e1": e1}} | ({"errors": list(errors)} if errors else {})


async def test_parts_are_sent_in_one_request_and_their_entities_merged_at_their_places() -> None:
    sent = transport(batch_of([{"rating": 5}, {"rating": 3}], [{"price": 7, "rating": 2}]))
    result = await run(SDL, QUERY, planned(), sent, {"b": 9})
    assert result.data == {"users": [{"rating": 5}, {"rating": 3}, {"rating": 5}], "best": {"price": 7, "rating": 2}}
    assert result.errors == ()
    (request,) = (request for request in sent.requests if request.subgraph == "ratings")
    assert request.variables == {
        "a": 1,
        "b": 9,
        "representations_0": [user("1"), user("2")],
        "representations_1": [user("2")],
    }
    assert request.operation == (
        "query($representations_0:[_Any!]!,$representations_1:[_Any!]!,$a:Int=1,$b:Int)"
        "{_e0:_entities(representations:$representations_0){...on User{rating(of:$a)}}"
        "_e1:_entities(representations:$representations_1){...on User{price rating(of:$b)}}}"
    )


async def test_parts_with_equal_selections_are_one_part_with_the_objects_of_both() -> None:
    also_of_best = part(1, BEST, OF_USERS.selection_set, ("a",))
    others = part(2, USERS, "{...on User{price}}")
    error = {"message": "no rating", "path": ["_e0", 1, "rating"]}
    prices: list[object] = [{"price": 7}, {"price": 8}]
    sent = transport({"data": {"_e0": [{"rating": 5}, {"rating": None}], "_e2": prices}, "errors": [error]})
    query = "query($a:Int=1){users{rating(of:$a) price} best{rating(of:$a)}}"
    result = await run(SDL, query, planned((OF_USERS, also_of_best, others)), sent)
    first, second = {"rating": 5, "price": 7}, {"rating": None, "price": 8}
    assert result.data == {"users": [first, second, first], "best": {"rating": None}}
    assert [error.path for error in result.errors] == [("users", 1, "rating"), ("best", "rating")]
    known = [user("1"), user("2")]
    assert sent.sent("ratings") == [{"a": 1, "representations_0": known, "representations_2": known}]


async def test_parts_that_are_all_equal_are_sent_as_one_fetch() -> None:
    also_of_best = part(1, BEST, OF_USERS.selection_set, ("a",))
    sent = transport({"data": {"_entities": [{"rating": 5}, {"rating": 3}]}})
    query = "query($a:Int=1){users{rating(of:$a)} best{rating(of:$a)}}"
    result = await run(SDL, query, planned((OF_USERS, also_of_best)), sent)
    assert result.data == {"users": [{"rating": 5}, {"rating": 3}, {"rating": 5}], "best": {"rating": 3}}
    assert sent.sent("ratings") == [{"a": 1, "representations": [user("1"), user("2")]}]


async def test_parts_with_different_output_rewrites_stay_separate() -> None:
    renaming = part(1, BEST, OF_USERS.selection_set, ("a",), renames=(KeyRenamer((Key("rating"),), "price"),))
    sent = transport(batch_of([{"rating": 5}, {"rating": 3}], [{"rating": 3}]))
    query = "query($a:Int=1){users{rating(of:$a)} best{price}}"
    result = await run(SDL, query, planned((OF_USERS, renaming)), sent)
    assert result.data == {"users": [{"rating": 5}, {"rating": 3}, {"rating": 5}], "best": {"price": 3}}


async def test_a_part_without_objects_is_left_out_with_its_variables() -> None:
    third = part(2, USERS, "{...on User{price}}")
    parts = (OF_USERS, OF_BEST, third)
    sent = transport(
        {"data": {"_e0": [{"rating": 5}, None], "_e2": [None, {"price": 4}]}}, best={"data": {"best": None}}
    )
    query = "query($a:Int=1){users{rating(of:$a) price} best{price}}"
    result = await run(SDL, query, planned(parts), sent)
    assert result.data == {
        "users": [{"rating": 5, "price": None}, {"rating": None, "price": 4}, {"rating": 5, "price": None}],
        "best": None,
    }
    assert [set(variables) for variables in sent.sent("ratings")] == [{"a", "representations_0", "representations_2"}]


async def test_the_only_part_with_objects_is_sent_as_its_own_fetch() -> None:
    sent = transport({"data": {"_entities": [{"price": 7, "rating": 2}]}}, users={"data": {"users": []}})
    result = await run(SDL, QUERY, planned(), sent)
    assert result.data == {"users": [], "best": {"price": 7, "rating": 2}}
    assert sent.requests[-1].operation == OF_BEST.fetch.operation
    assert sent.sent("ratings") == [{"representations": [user("2")]}]


async def test_without_objects_nothing_is_sent() -> None:
    sent = transport(users={"data": {"users": None}}, best={"data": {"best": None}})
    assert (await run(SDL, QUERY, planned(), sent)).data == {"users": None, "best": None}
    assert sent.sent("ratings") == []


@pytest.mark.parametrize(("on", "asked"), [(True, ["_e0", "_e1"]), (False, ["_entities"])])
async def test_a_part_is_sent_when_its_conditions_hold(
    on: bool,  # noqa: FBT001 - a table's column
    asked: list[str],
) -> None:
    guarded = BatchPart("_e1", "representations_1", OF_BEST.selection_set, Condition("on", if_clause=OF_BEST.node))
    ratings: list[object] = [{"rating": 5}, {"rating": 3}]
    alone: ScriptedResponse = {"data": {"_entities": ratings}}
    sent = transport(batch_of(ratings, [{"price": 1, "rating": 2}]) if on else alone)
    query = QUERY.replace("price rating(of:$b)", "id rating(of:$b)")
    result = await run(SDL, query, planned((OF_USERS, guarded)), sent, {"on": on})
    assert result.data == {
        "users": [{"rating": 5}, {"rating": 3}, {"rating": 5}],
        "best": {"id": "2"} | ({"rating": 2} if on else {}),
    }
    (definition,) = parse(sent.requests[-1].operation).definitions
    assert isinstance(definition, OperationDefinitionNode)
    assert [_key(node) for node in definition.selection_set.selections] == asked


def _key(node: object) -> str:
    alias, name = getattr(node, "alias", None), getattr(node, "name", None)
    return str((alias or name).value)  # type: ignore[union-attr]  # every field has a name


@dataclass(slots=True)
class Patient(Scripted):
    """`best` responds only after `ratings` got its request."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        if request.subgraph == "ratings":
            self.asked.set()
        elif request.subgraph == "best":
            await self.asked.wait()
        return await Scripted.send(self, request)


async def test_a_part_whose_condition_does_not_hold_delays_only_what_depends_on_it() -> None:
    guarded = BatchPart("_e1", "representations_1", OF_BEST.selection_set, Condition("on", if_clause=OF_BEST.node))
    following = Flatten(BEST, fetch(4, "ratings", OF_BEST.fetch.operation, "query", requires=NEEDS, depends_on=(3,)))
    bodies: list[ScriptedResponse] = [
        {"data": {"_entities": [{"rating": 5}, {"rating": 3}]}},
        {"data": {"_entities": [{"price": 7}]}},
    ]
    sent = Patient(transport(*bodies).subgraphs)
    node = Sequence((*planned((OF_USERS, guarded)).nodes, following))
    async with asyncio.timeout(30):
        result = await run(SDL, QUERY, node, sent, {"on": False})
    assert [request.subgraph for request in sent.requests] == ["users", "ratings", "best", "ratings"]
    assert result.data == {"users": [{"rating": 5}, {"rating": 3}, {"rating": 5}], "best": {"price": 7}}


async def test_errors_go_to_the_places_of_their_part() -> None:
    first = {"message": "no rating", "path": ["_e0", 0, "rating"], "extensions": {"code": "GONE"}}
    second = {"message": "no price", "path": ["_e1", 0, "price"]}
    sent = transport(batch_of([{"rating": None}, {"rating": 3}], [{"price": None, "rating": 2}], first, second))
    result = await run(SDL, QUERY, planned(), sent)
    assert [(error.message, error.path, error.code) for error in result.errors] == [
        ("no rating", ("users", 0, "rating"), "GONE"),
        ("no rating", ("users", 2, "rating"), "GONE"),
        ("no price", ("best", "price"), "DOWNSTREAM_SERVICE_ERROR"),
    ]


async def test_error_paths_follow_the_renames_of_their_part() -> None:
    renaming = part(1, BEST, "{...on User{price_0:price}}", renames=(KeyRenamer((Key("price_0"),), "price"),))
    error = {"message": "no price", "path": ["_e1", 0, "price_0"]}
    sent = transport(batch_of([{"rating": 1}, {"rating": 3}], [{"price_0": None}], error))
    result = await run(SDL, "{users{rating} best{price}}", planned((OF_USERS, renaming)), sent)
    assert [error.path for error in result.errors] == [("best", "price")]


async def test_a_request_that_fails_fails_for_each_part() -> None:
    sent = transport(SubgraphUnreachable("ratings", "The subgraph could not be reached."))
    result = await run(SDL, QUERY, planned(), sent)
    assert result.data == {"users": [{"rating": None}] * 3, "best": {"price": None, "rating": None}}
    assert {(error.path, error.code) for error in result.errors} == {
        (("users", 0), "SUBREQUEST_HTTP_ERROR"),
        (("users", 1), "SUBREQUEST_HTTP_ERROR"),
        (("users", 2), "SUBREQUEST_HTTP_ERROR"),
        (("best",), "SUBREQUEST_HTTP_ERROR"),
    }


async def test_a_part_with_a_response_of_the_wrong_length_does_not_fail_the_others() -> None:
    sent = transport(batch_of([{"rating": 5}], [{"price": 7, "rating": 2}]))
    result = await run(SDL, QUERY, planned(), sent)
    assert result.data == {"users": [{"rating": None}] * 3, "best": {"price": 7, "rating": 2}}
    assert {error.code for error in result.errors} == {"SUBREQUEST_MALFORMED_RESPONSE"}
    assert {error.path for error in result.errors} == {("users", index) for index in range(3)}


ENTRY = {"message": "broken"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            {"data": {"_e0": [{"x": 1}], "_e1": [None]}, "errors": [ENTRY]},
            [([{"x": 1}], []), ([None], [ENTRY])],
            id="an error without a path belongs to the part with a missing entity",
        ),
        pytest.param(
            {"data": {"_e0": [{"x": 1}], "_e1": [{}]}, "errors": [ENTRY | {"path": ["_e7", 0]}]},
            [([{"x": 1}], [ENTRY]), ([{}], [])],
            id="if none lacks anything to the first, its path being of no use",
        ),
        pytest.param(
            {"data": None, "errors": [ENTRY | {"path": ["_e1", 0, "x"]}]},
            [(None, [ENTRY]), (None, [ENTRY | {"path": ["_entities", 0, "x"]}])],
            id="without any data it is why the other parts have none",
        ),
        pytest.param(
            {"data": {"_e0": [None], "_e1": [None]}, "errors": [ENTRY | {"path": ["_e1", 0]}]},
            [([None], []), ([None], [ENTRY | {"path": ["_entities", 0]}])],
            id="an entity that is unknown to one part is none of the other's errors",
        ),
        pytest.param(
            {"data": {"_e0": [{}]}, "errors": "none"},
            [([{}], []), (None, [])],
            id="errors that are no list are none",
        ),
        pytest.param({"data": None, "errors": ["odd"]}, [(None, ["odd"]), (None, ["odd"])], id="an entry may be odd"),
    ],
)
def test_a_response_is_split_by_alias(
    body: dict[str, object], expected: list[tuple[list[object] | None, list[object]]]
) -> None:
    got = split_response(body, ["_e0", "_e1"])
    assert [part["errors"] for part in got] == [errors for _, errors in expected]
    no_data = body["data"] is None
    assert [part["data"] for part in got] == [None if no_data else {"_entities": data} for data, _ in expected]
