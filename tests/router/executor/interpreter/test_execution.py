"""Hand-written plans are executed with scripted subgraphs.

Covers `router/executor/interpreter/execution.py`, `router/executor/errors/errors_and_unavailable_values.py` and
`router/executor/context_and_result.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from graphql import build_schema, parse

from router.errors import SubgraphTimeout, SubgraphUnreachable
from router.executor.context_and_result import ExecutionContext
from router.executor.interpreter.execution import execute
from router.get_operation import get_operation
from router.plan import (
    Condition,
    Defer,
    DeferDependency,
    DeferPrimary,
    DeferredPart,
    Each,
    Flatten,
    InputField,
    InputFragment,
    Key,
    KeyRenamer,
    Parallel,
    Parent,
    QueryPlan,
    Sequence,
    Subscription,
    TypeIs,
    ValueSetter,
)
from router.transport.interface import ResponseHead, SubgraphResponse
from tests.router.executor.harness import Scripted, responds, run
from tests.router.plan.fetches import fetch

if TYPE_CHECKING:
    from router.plan import Path
    from router.transport.interface import SubgraphRequest

SDL = """
  type Query { users: [User] me: User count: Int }
  type Mutation { first: User second: User third: User }
  type User { id: ID! name: String rating: Int email: String! friends: [User] price: Float weight: Int }
"""
ENTITIES = "query($representations:[_Any!]!){_entities(representations:$representations){...on User{rating}}}"
USERS: Path = (Key("users"), Each())


def needs(*names: str, type_condition: str = "User") -> tuple[InputFragment, ...]:
    fields = tuple(InputField(name) for name in ("__typename", *names))
    return (InputFragment(type_condition, fields),)


def user(id_: object, **others: object) -> dict[str, object]:
    return {"__typename": "User", "id": id_, **others}


def users_then_ratings(**entity_fetch: object) -> Sequence:
    options: dict[str, object] = {"requires": needs("id"), "depends_on": (0,), **entity_fetch}
    entities = fetch(1, "ratings", ENTITIES, "query", **options)
    return Sequence((fetch(0, "users", "{users{__typename id}}", "query"), Flatten(USERS, entities)))


async def test_equal_representations_are_sent_once_and_their_entity_goes_to_each_place() -> None:
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1"), None, user("2"), user("1")]}}),
            "ratings": responds({"data": {"_entities": [{"rating": 5}, {"rating": 3}]}}),
        }
    )
    result = await run(SDL, "{users{rating}}", users_then_ratings(), transport)
    assert result.data == {"users": [{"rating": 5}, None, {"rating": 3}, {"rating": 5}]}
    assert transport.sent("ratings") == [{"representations": [user("1"), user("2")]}]


async def test_a_value_that_another_fetch_sent_as_an_object_is_an_error() -> None:
    """Was: the fields of the second fetch were null without an error."""
    one = fetch(0, "users", "{me{friends{id}}}", "query")
    other = fetch(1, "ratings", "{me{friends{rating}}}", "query")
    transport = Scripted(
        {
            "users": responds({"data": {"me": {"friends": [{"id": "1"}, {"id": "2"}]}}}),
            "ratings": responds({"data": {"me": {"friends": [{"rating": 5}, "x"]}}}),
        }
    )
    result = await run(SDL, "{me{friends{id rating}}}", Parallel((one, other)), transport)
    assert result.data == {"me": {"friends": [{"id": "1", "rating": 5}, {"id": "2", "rating": None}]}}
    (error,) = result.errors
    assert (error.path, error.code) == (("me", "friends", 1), "SUBREQUEST_MALFORMED_RESPONSE")


async def test_an_unknown_entity_has_null_fields_without_an_error() -> None:
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1"), user("2")]}}),
            "ratings": responds({"data": {"_entities": [None, {"rating": 3}]}}),
        }
    )
    result = await run(SDL, "{users{rating}}", users_then_ratings(), transport)
    assert result.data == {"users": [{"rating": None}, {"rating": 3}]}
    assert result.errors == ()


@pytest.mark.parametrize("users", [None, [], [None]])
async def test_without_a_representation_there_is_no_request(users: object) -> None:
    transport = Scripted({"users": responds({"data": {"users": users}})})
    result = await run(SDL, "{users{rating}}", users_then_ratings(), transport)
    assert result.errors == ()
    assert transport.sent("ratings") == []


@pytest.mark.parametrize("broken", [{"__typename": "User"}, user(None), {"id": "1"}, {"__typename": 7}])
async def test_a_key_that_is_null_or_absent_is_an_error_at_what_needs_it(broken: dict[str, object]) -> None:
    """Was: `rating: null` without an error."""
    transport = Scripted(
        {
            "users": responds({"data": {"users": [broken, user("2")]}}),
            "ratings": responds({"data": {"_entities": [{"rating": 3}]}}),
        }
    )
    plan = users_then_ratings(requires=(*needs("id"), InputFragment("Item", (InputField("id"),))))
    result = await run(SDL, "{users{rating}}", plan, transport)
    assert result.data == {"users": [{"rating": None}, {"rating": 3}]}
    assert [(error.path, error.code) for error in result.errors] == [(("users", 0, "rating"), "REQUIRED_VALUE_UNKNOWN")]
    assert transport.sent("ratings") == [{"representations": [user("2")]}]


async def test_a_key_of_an_entity_that_a_subgraph_does_not_have_is_no_error() -> None:
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1"), user("2")]}}),
            "codes": responds({"data": {"_entities": [None, {"code": "c"}]}}),
            "ratings": responds({"data": {"_entities": [{"rating": 3}]}}),
        }
    )
    codes = "query($representations:[_Any!]!){_entities(representations:$representations){...on User{code}}}"
    plan = Sequence(
        (
            fetch(0, "users", "{users{__typename id}}", "query"),
            Flatten(USERS, fetch(1, "codes", codes, "query", requires=needs("id"), depends_on=(0,))),
            Flatten(USERS, fetch(2, "ratings", ENTITIES, "query", requires=needs("code"), depends_on=(1,))),
        )
    )
    sdl = SDL.replace("email: String!", "email: String! code: ID!")
    result = await run(sdl, "{users{rating}}", plan, transport)
    assert result.data == {"users": [{"rating": None}, {"rating": 3}]}
    assert result.errors == ()


@pytest.mark.parametrize("entity", [[], "x", 7, True, [{"rating": 5}]])
async def test_an_entity_that_is_no_object_is_an_error(entity: object) -> None:
    """Was: `rating: null` without an error."""
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1"), user("2")]}}),
            "ratings": responds({"data": {"_entities": [entity, {"rating": 3}]}}),
        }
    )
    result = await run(SDL, "{users{rating}}", users_then_ratings(), transport)
    assert result.data == {"users": [{"rating": None}, {"rating": 3}]}
    assert [(error.path, error.code) for error in result.errors] == [(("users", 0), "SUBREQUEST_MALFORMED_RESPONSE")]


async def test_a_nullable_input_that_is_null_is_sent_as_null() -> None:
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1", weight=None), user("2")]}}),
            "ratings": responds({"data": {"_entities": [{"rating": 1}, {"rating": 2}]}}),
        }
    )
    await run(SDL, "{users{rating}}", users_then_ratings(requires=needs("id", "weight")), transport)
    assert transport.sent("ratings") == [{"representations": [user("1", weight=None), user("2", weight=None)]}]


async def test_an_input_that_failed_is_not_sent_as_null() -> None:
    failed = {"message": "scales broken", "path": ["users", 0, "weight"]}
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1", weight=None), user("2", weight=4)]}, "errors": [failed]}),
            "ratings": responds({"data": {"_entities": [{"rating": 2}]}}),
        }
    )
    result = await run(SDL, "{users{rating}}", users_then_ratings(requires=needs("id", "weight")), transport)
    assert transport.sent("ratings") == [{"representations": [user("2", weight=4)]}]
    assert result.data == {"users": [{"rating": None}, {"rating": 2}]}
    assert [(error.path, error.code) for error in result.errors] == [
        (("users", 0), "DOWNSTREAM_SERVICE_ERROR"),
        (("users", 0, "rating"), "REQUIRED_VALUE_UNKNOWN"),
    ]


async def test_an_error_of_an_entity_is_reported_at_each_of_its_places() -> None:
    error = {"message": "no", "path": ["_entities", 0, "rating"], "extensions": {"code": "TEAPOT", "hint": 1}}
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1"), user("2"), user("1")]}}),
            "ratings": responds({"data": {"_entities": [{"rating": None}, {"rating": 3}]}, "errors": [error]}),
        }
    )
    result = await run(SDL, "{users{rating}}", users_then_ratings(), transport)
    assert result.data == {"users": [{"rating": None}, {"rating": 3}, {"rating": None}]}
    assert [(e.path, e.code, e.origin, e.message, e.extensions) for e in result.errors] == [
        (("users", 0, "rating"), "TEAPOT", "ratings", "no", {"hint": 1}),
        (("users", 2, "rating"), "TEAPOT", "ratings", "no", {"hint": 1}),
    ]


@pytest.mark.parametrize(
    ("path", "places"),
    [
        (["_entities", 1], [("users", 1)]),
        (None, [("users", 1)]),
        (["_entities"], [("users", 1)]),
        (["_entities", 7, "rating"], [("users", 1)]),
        ("nonsense", [("users", 1)]),
    ],
)
async def test_an_error_without_a_usable_path_is_reported_at_the_missing_values(path: object, places: object) -> None:
    body: dict[str, object] = {
        "data": {"_entities": [{"rating": 1}, None]},
        "errors": [{"message": "no", "path": path}],
    }
    users = responds({"data": {"users": [user("1"), user("2")]}})
    transport = Scripted({"users": users, "ratings": responds(body)})
    result = await run(SDL, "{users{rating}}", users_then_ratings(), transport)
    assert [error.path for error in result.errors] == places
    assert [error.code for error in result.errors] == ["DOWNSTREAM_SERVICE_ERROR"]


async def test_a_subgraph_that_fails_makes_only_its_own_fields_null() -> None:
    failure = SubgraphUnreachable("ratings", "The subgraph could not be reached.", status=503, detail="10.0.0.1:3002")
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1", name="A"), user("2", name="B")]}}),
            "ratings": responds(failure),
        }
    )
    result = await run(SDL, "{users{name rating}}", users_then_ratings(), transport)
    assert result.data == {"users": [{"name": "A", "rating": None}, {"name": "B", "rating": None}]}
    assert [(e.path, e.code, e.origin, e.extensions) for e in result.errors] == [
        (("users", 0), "SUBREQUEST_HTTP_ERROR", "ratings", {"http": {"status": 503}}),
        (("users", 1), "SUBREQUEST_HTTP_ERROR", "ratings", {"http": {"status": 503}}),
    ]


async def test_what_depends_on_a_failed_fetch_is_skipped_and_siblings_go_on() -> None:
    plan = Parallel((users_then_ratings(), fetch(2, "counter", "{count}", "query")))
    transport = Scripted(
        {
            "users": responds(SubgraphTimeout("users", "The subgraph did not answer in time.")),
            "counter": responds({"data": {"count": 4}}),
        }
    )
    result = await run(SDL, "{users{rating} count}", plan, transport)
    assert result.data == {"users": None, "count": 4}
    assert [(error.path, error.code) for error in result.errors] == [(("users",), "GATEWAY_TIMEOUT")]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": None},
        {"data": []},
        {"data": {}},
        {"data": {"_entities": None}},
        {"data": {"_entities": [{"rating": 1}]}},
        {"data": {"_entities": [{}, {}, {}]}},
    ],
)
async def test_a_response_that_does_not_fit_the_request_is_malformed(body: dict[str, object]) -> None:
    users = responds({"data": {"users": [user("1"), user("2")]}})
    transport = Scripted({"users": users, "ratings": responds(body)})
    result = await run(SDL, "{users{rating}}", users_then_ratings(), transport)
    assert result.data == {"users": [{"rating": None}, {"rating": None}]}
    assert {error.code for error in result.errors} == {"SUBREQUEST_MALFORMED_RESPONSE"}


async def test_a_fetch_starts_when_its_dependencies_are_merged_not_when_its_stage_is() -> None:
    dependant_asked = asyncio.Event()

    class Waiting(Scripted):
        async def send(self, request: SubgraphRequest):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as inherited
            if request.subgraph == "slow":
                await dependant_asked.wait()
            if request.subgraph == "ratings":
                dependant_asked.set()
            return await super().send(request)

    first_wave = Parallel((fetch(0, "users", "{users{__typename id}}", "query"), fetch(1, "slow", "{count}", "query")))
    second = Flatten(USERS, fetch(2, "ratings", ENTITIES, "query", requires=needs("id"), depends_on=(0,)))
    transport = Waiting(
        {
            "users": responds({"data": {"users": [user("1")]}}),
            "slow": responds({"data": {"count": 1}}),
            "ratings": responds({"data": {"_entities": [{"rating": 1}]}}),
        }
    )
    result = await asyncio.wait_for(run(SDL, "{users{rating} count}", Sequence((first_wave, second)), transport), 30)
    assert result.data == {"users": [{"rating": 1}], "count": 1}
    assert [request.subgraph for request in transport.requests] == ["users", "ratings", "slow"]


async def test_a_value_below_a_failed_list_is_unknown_and_not_sent_as_null() -> None:
    roots = (
        fetch(0, "users", "{users{__typename id}}", "query"),
        fetch(1, "weights", "{users{weight}}", "query"),
    )
    ratings = fetch(2, "ratings", ENTITIES, "query", requires=needs("id", "weight"), depends_on=(0, 1))
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1")]}}),
            "weights": responds(SubgraphUnreachable("weights", "The subgraph could not be reached.")),
        }
    )
    result = await run(SDL, "{users{id rating}}", Sequence((Parallel(roots), Flatten(USERS, ratings))), transport)
    assert result.data == {"users": [{"id": "1", "rating": None}]}
    assert [error.path for error in result.errors] == [("users",)]
    assert transport.sent("ratings") == []


async def test_mutation_fields_run_in_order_even_after_a_failure() -> None:
    fetches = tuple(
        fetch(index, f"s{index}", "mutation{x}", "mutation", depends_on=(index - 1,) if index else ())
        for index in range(3)
    )
    transport = Scripted(
        {
            "s0": responds({"data": {"first": {"name": "1"}}}),
            "s1": responds({"data": {"second": None}, "errors": [{"message": "no", "path": ["second"]}]}),
            "s2": responds({"data": {"third": {"name": "3"}}}),
        }
    )
    query = "mutation { first { name } second { name } third { name } }"
    result = await run(SDL, query, Sequence(fetches), transport)
    assert result.data == {"first": {"name": "1"}, "second": None, "third": {"name": "3"}}
    assert [request.subgraph for request in transport.requests] == ["s0", "s1", "s2"]


@pytest.mark.parametrize(("value", "asked"), [(True, ["users"]), (False, ["counter"])])
async def test_a_condition_is_evaluated_on_the_coerced_variable(value: bool, asked: list[str]) -> None:  # noqa: FBT001 - a row
    plan = Condition("a", fetch(0, "users", "{users{name}}", "query"), fetch(1, "counter", "{count}", "query"))
    transport = Scripted(
        {"users": responds({"data": {"users": []}}), "counter": responds({"data": {"count": 1}})},
    )
    await run(SDL, "query($a: Boolean! = true) {users @include(if: $a) {name} count}", plan, transport, {"a": value})
    assert [request.subgraph for request in transport.requests] == asked


async def test_dependents_of_a_skipped_fetch_still_wait_for_its_dependencies() -> None:
    first = fetch(0, "users", "{users{__typename id}}", "query")
    skipped = Condition("a", fetch(1, "counter", "{count}", "query", depends_on=(0,)))
    last = Flatten(USERS, fetch(2, "ratings", ENTITIES, "query", requires=needs("id"), depends_on=(1,)))
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1")]}}),
            "ratings": responds({"data": {"_entities": [{"rating": 1}]}}),
        }
    )
    query = "query($a: Boolean!) {users {rating} count @include(if: $a)}"
    result = await run(SDL, query, Sequence((first, skipped, last)), transport, {"a": False})
    assert result.data == {"users": [{"rating": 1}]}


async def test_only_variables_in_use_are_sent_and_unset_ones_are_omitted() -> None:
    node = fetch(0, "users", "query($b:Int,$c:Int){users{name}}", "query", variable_usages=("b", "c"))
    transport = Scripted({"users": responds({"data": {"users": []}})})
    query = "query($a: Boolean!, $b: Boolean = true, $c: Boolean = true) {users {name @skip(if: $a)}}"
    schema = build_schema(SDL)
    context = ExecutionContext(schema, transport, {"a": True, "b": None})
    await execute(QueryPlan(node), get_operation(schema, parse(query)), context)
    assert transport.sent("users") == [{"b": None}]


async def test_an_interface_object_is_sent_under_the_name_of_the_interface() -> None:
    sdl = (
        "type Query{media: Media} interface Media {id: ID! stars: Int} type Book implements Media {id: ID! stars: Int}"
    )
    rewrites = (ValueSetter((TypeIs(("Book",)), Key("__typename")), "Media"),)
    entity_fetch = fetch(
        1,
        "stars",
        ENTITIES,
        "query",
        requires=needs("id", type_condition="Book"),
        depends_on=(0,),
        input_rewrites=rewrites,
    )
    transport = Scripted(
        {
            "books": responds({"data": {"media": {"__typename": "Book", "id": "1"}}}),
            "stars": responds({"data": {"_entities": [{"__typename": "Media", "stars": 4}]}}),
        }
    )
    plan = Sequence((fetch(0, "books", "{media{__typename id}}", "query"), Flatten((Key("media"),), entity_fetch)))
    result = await run(sdl, "{media{__typename stars}}", plan, transport)
    assert transport.sent("stars") == [{"representations": [{"__typename": "Media", "id": "1"}]}]
    assert result.data == {"media": {"__typename": "Book", "stars": 4}}


async def test_internal_aliases_are_renamed_in_results_and_error_paths() -> None:
    rename = KeyRenamer((TypeIs(("User",)), Key("rating__alias_0")), "rating")
    error = {"message": "no", "path": ["_entities", 1, "rating__alias_0"]}
    entities: list[object] = [
        {"__typename": "User", "rating__alias_0": 1},
        {"__typename": "User", "rating__alias_0": None},
    ]
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1"), user("2")]}}),
            "ratings": responds({"data": {"_entities": entities}, "errors": [error]}),
        }
    )
    result = await run(SDL, "{users{rating}}", users_then_ratings(output_rewrites=(rename,)), transport)
    assert result.data == {"users": [{"rating": 1}, {"rating": None}]}
    assert [error.path for error in result.errors] == [("users", 1, "rating")]
    assert entities[0] == {"__typename": "User", "rating__alias_0": 1}


async def test_root_results_of_several_subgraphs_merge_by_position() -> None:
    plan = Parallel((fetch(0, "a", "{users{name}}", "query"), fetch(1, "b", "{users{rating}}", "query")))
    transport = Scripted(
        {
            "a": responds({"data": {"users": [{"name": "x"}, None]}}),
            "b": responds({"data": {"users": [{"rating": 1}, {"rating": 2}]}}),
        }
    )
    result = await run(SDL, "{users{name rating}}", plan, transport)
    assert result.data == {"users": [{"name": "x", "rating": 1}, {"name": None, "rating": 2}]}


async def test_the_execution_of_a_subscription_starts_with_an_event() -> None:
    rest = Flatten((Key("me"),), fetch(1, "ratings", ENTITIES, "query", requires=needs("id"), depends_on=(0,)))
    plan = QueryPlan(Subscription(fetch(0, "users", "subscription{me{__typename id}}", "subscription"), rest))
    transport = Scripted({"ratings": responds({"data": {"_entities": [{"rating": 4}]}})})
    schema = build_schema(SDL + " type Subscription { me: User }")
    operation = get_operation(schema, parse("subscription { me { name rating } }"))
    event: dict[str, object] = {"me": user("1", name="A")}
    result = await execute(plan, operation, ExecutionContext(schema, transport), event)
    assert result.data == {"me": {"name": "A", "rating": 4}}
    assert event == {"me": user("1", name="A")}


async def test_deferred_parts_are_in_the_one_response() -> None:
    deferred = Flatten(USERS, fetch(1, "ratings", ENTITIES, "query", requires=needs("id"), depends_on=(0,)))
    primary = DeferPrimary("{users{id}}", fetch(0, "users", "{users{__typename id}}", "query", has_defers=True))
    plan = Defer(primary, (DeferredPart((DeferDependency(0),), None, ("users",), "{rating}", deferred),))
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1")]}}),
            "ratings": responds({"data": {"_entities": [{"rating": 1}]}}),
        }
    )
    result = await run(SDL, "{users{id rating}}", plan, transport)
    assert result.data == {"users": [{"id": "1", "rating": 1}]}


async def test_an_argument_from_an_ancestor_groups_the_objects_by_its_value() -> None:
    sdl = """
      type Query { users: [User] }
      type User { id: ID! locale: String friends: [User] greeting: String }
    """
    path: Path = (*USERS, Key("friends"), Each())
    rewrite = KeyRenamer((Parent(), TypeIs(("User",)), Key("locale")), "locale_0")
    greetings = fetch(
        1,
        "texts",
        "query($x:X){_entities}",
        "query",
        requires=needs("id"),
        depends_on=(0,),
        context_rewrites=(rewrite,),
    )
    users: list[object] = [
        user("1", locale="de", friends=[user("3"), user("4")]),
        user("2", locale="fr", friends=[user("3")]),
        user("5", locale="de", friends=[user("6")]),
    ]

    def texts(request: SubgraphRequest) -> dict[str, object]:
        representations = request.variables["representations"]
        assert isinstance(representations, list)
        return {
            "data": {"_entities": [{"greeting": f"{request.variables['locale_0']} {r['id']}"} for r in representations]}
        }

    transport = Scripted({"users": responds({"data": {"users": users}}), "texts": texts})
    plan = Sequence((fetch(0, "users", "{users{friends{id}}}", "query"), Flatten(path, greetings)))
    result = await run(sdl, "{users{friends{greeting}}}", plan, transport)
    assert result.data == {
        "users": [
            {"friends": [{"greeting": "de 3"}, {"greeting": "de 4"}]},
            {"friends": [{"greeting": "fr 3"}]},
            {"friends": [{"greeting": "de 6"}]},
        ]
    }
    assert len(transport.sent("texts")) == 2


async def test_an_argument_whose_value_failed_is_unknown_not_null() -> None:
    sdl = """
      type Query { users: [User] }
      type User { id: ID! locale: String friends: [User] greeting: String }
    """
    path: Path = (*USERS, Key("friends"), Each())
    rewrite = KeyRenamer((Parent(), TypeIs(("User",)), Key("locale")), "locale_0")
    requires = needs("id")
    asked = "{_entities{...on User{greeting}}}"
    greetings = fetch(1, "texts", asked, "query", requires=requires, depends_on=(0,), context_rewrites=(rewrite,))
    users: list[object] = [user("1", locale=None, friends=[user("3")]), user("2", locale=None, friends=[user("4")])]
    failure: dict[str, object] = {"message": "no locale", "path": ["users", 1, "locale"]}
    transport = Scripted(
        {
            "users": responds({"data": {"users": users}, "errors": [failure]}),
            "texts": responds({"data": {"_entities": [{"greeting": "hello"}]}}),
        }
    )
    plan = Sequence((fetch(0, "users", "{users{locale friends{id}}}", "query"), Flatten(path, greetings)))
    result = await run(sdl, "{users{friends{greeting}}}", plan, transport)
    assert result.data == {"users": [{"friends": [{"greeting": "hello"}]}, {"friends": [{"greeting": None}]}]}
    assert transport.sent("texts") == [{"locale_0": None, "representations": [{"__typename": "User", "id": "3"}]}]
    assert [(error.path, error.code) for error in result.errors] == [
        (("users", 1), "DOWNSTREAM_SERVICE_ERROR"),
        (("users", 1, "friends", 0, "greeting"), "REQUIRED_VALUE_UNKNOWN"),
    ]


async def test_every_fetch_has_the_deadline_of_the_execution() -> None:
    transport = Scripted(
        {
            "users": responds({"data": {"users": [user("1")]}}),
            "ratings": responds({"data": {"_entities": [{"rating": 5}]}}),
        }
    )
    await run(SDL, "{users{rating}}", users_then_ratings(), transport, deadline=17.5)
    assert [request.deadline for request in transport.requests] == [17.5, 17.5]


async def test_status_and_headers_of_every_response_reach_the_result() -> None:
    ratings = SubgraphResponse.of({"errors": [{"message": "busy"}]}, status=429, headers={"retry-after": "3"})
    transport = Scripted({"users": responds({"data": {"users": [user("1")]}}), "ratings": responds(ratings)})
    result = await run(SDL, "{users{rating}}", users_then_ratings(), transport)
    assert result.responses == (ResponseHead("users", 200, {}), ResponseHead("ratings", 429, {"retry-after": "3"}))


async def test_the_head_of_a_response_that_is_not_graphql_reaches_the_result_too() -> None:
    users = SubgraphResponse(status=502, body=b"<html>", headers={"server": "x"})
    result = await run(SDL, "{users{rating}}", users_then_ratings(), Scripted({"users": responds(users)}))
    assert result.responses == (ResponseHead("users", 502, {"server": "x"}),)
    assert [error.code for error in result.errors] == ["SUBREQUEST_HTTP_ERROR"]
