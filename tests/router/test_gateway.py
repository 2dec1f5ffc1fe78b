"""The gateway without HTTP. Covers `router/request/request_and_response.py`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

import router
from router.errors import InvalidSupergraph, SubgraphMalformedResponse, SubgraphTimeout, SubgraphUnreachable
from router.gateway import Gateway
from router.planner.search_bounds import OUT_OF_TIME, OUT_OF_WORK
from router.preparation.make_and_cache_plans import PlanKey
from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Outcome
from router.settings import read
from servicekit import request_ids
from tests.router.planner.adversarial import shareable
from tests.router.shop import SDL, Shop, failing

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.transport.interface import SubgraphRequest, SubgraphResponse

ME = "{ me { name orders { id amount } } }"


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def gateway(shop: Shop) -> Callable[..., Gateway]:
    def make(settings: str = "") -> Gateway:
        return Gateway.from_supergraph(SDL, read(settings, {}), send=shop)

    return make


async def ask(gateway: Gateway, query: str, **parts: Any) -> GraphQLResponse:
    return await gateway.execute(GraphQLRequest(query=query, **parts))


def errors(response: GraphQLResponse) -> list[dict[str, Any]]:
    found = response.body["errors"]
    assert isinstance(found, list)
    return found


def codes(response: GraphQLResponse) -> list[str]:
    return [error["extensions"]["code"] for error in errors(response)]


def test_the_package_offers_it() -> None:
    assert router.Gateway is Gateway
    with pytest.raises(AttributeError):
        getattr(router, "Gatewax")  # noqa: B009  (mypy would refuse the attribute)


async def test_one_query_is_resolved_by_two_subgraphs(gateway: Callable[..., Gateway], shop: Shop) -> None:
    response = await ask(gateway(), ME)
    assert response.outcome is Outcome.EXECUTED
    assert response.body == {
        "data": {"me": {"name": "Ada", "orders": [{"id": "7", "amount": "0.10"}, {"id": "8", "amount": "2"}]}}
    }
    assert [request.subgraph for request in shop.requests] == ["people", "orders"]
    assert response.record.fetches == 2


async def test_variables_are_coerced_and_sent(gateway: Callable[..., Gateway], shop: Shop) -> None:
    query = "query Hello($n: String!) { greet(name: $n) }"
    response = await ask(gateway(), query, variables={"n": "Bob", "unused": 1})
    assert response.body == {"data": {"greet": "Hello Bob"}}
    assert shop.requests[0].variables == {"n": "Bob"}


async def test_an_operation_is_chosen_by_name(gateway: Callable[..., Gateway]) -> None:
    query = 'query A { greet(name: "a") } query B { greet(name: "b") }'
    assert (await ask(gateway(), query, operation_name="B")).body == {"data": {"greet": "Hello b"}}


@pytest.mark.parametrize(
    ("query", "parts", "code"),
    [
        ("{", {}, "PARSING_ERROR"),
        ("{ }", {}, "PARSING_ERROR"),
        ("", {}, "PARSING_ERROR"),
        ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query A { me { id } } query B { me { id } }", {}, "GRAPHQL_UNKNOWN_OPERATION_NAME"),
        ("query A { me { id } }", {"operation_name": "C"}, "GRAPHQL_UNKNOWN_OPERATION_NAME"),
        ("query A($n: String!) { greet(name: $n) }", {}, "VALIDATION_INVALID_TYPE_VARIABLE"),
        ("subscription { bought { id } }", {}, "SUBSCRIPTIONS_NOT_ENABLED"),
    ],
)
async def test_a_request_that_is_wrong_is_refused_before_any_fetch(
    gateway: Callable[..., Gateway], shop: Shop, query: str, parts: dict[str, Any], code: str
) -> None:
    response = await ask(gateway(), query, **parts)
    assert response.outcome is Outcome.REFUSED
    assert codes(response) == [code]
    assert "data" not in response.body
    assert shop.requests == []


async def test_a_read_only_request_runs_no_mutation(gateway: Callable[..., Gateway], shop: Shop) -> None:
    response = await ask(gateway(), 'mutation { rename(name: "x") { id } }', read_only=True)
    assert response.outcome is Outcome.NOT_READ_ONLY
    assert shop.requests == []


async def test_a_mutation_is_run(gateway: Callable[..., Gateway]) -> None:
    response = await ask(gateway(), 'mutation { rename(name: "x") { name orders { id } } }')
    assert response.body == {"data": {"rename": {"name": "Ada", "orders": [{"id": "7"}, {"id": "8"}]}}}


# Introspection


@pytest.mark.parametrize(("setting", "outcome"), [("true", Outcome.EXECUTED), ("false", Outcome.REFUSED)])
async def test_introspection_is_a_setting(gateway: Callable[..., Gateway], setting: str, outcome: Outcome) -> None:
    response = await ask(gateway(f"introspection: {setting}"), "{ __schema { queryType { name } } }")
    assert response.outcome is outcome
    assert (await ask(gateway(f"introspection: {setting}"), "{ __typename }")).body == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(("setting", "suggested"), [("true", True), ("false", False)])
async def test_without_introspection_errors_suggest_no_names(
    gateway: Callable[..., Gateway],
    setting: str,
    suggested: bool,  # noqa: FBT001  (a table's column)
) -> None:
    response = await ask(gateway(f"introspection: {setting}"), "{ greed }")
    assert ("greet" in errors(response)[0]["message"]) is suggested


# Caches


async def test_a_document_and_its_plan_are_made_once(gateway: Callable[..., Gateway]) -> None:
    one = gateway()
    first, second = await ask(one, ME), await ask(one, ME)
    assert (first.record.document_cached, first.record.plan_cached) == (False, False)
    assert (second.record.document_cached, second.record.plan_cached) == (True, True)
    assert second.body == first.body


async def test_layouts_of_one_operation_share_a_plan(gateway: Callable[..., Gateway]) -> None:
    one = gateway()
    await ask(one, ME)
    other = await ask(one, ME.replace(" ", "\n\t, "))
    assert (other.record.document_cached, other.record.plan_cached) == (False, True)


async def test_variables_are_no_part_of_what_is_kept(gateway: Callable[..., Gateway]) -> None:
    one = gateway()
    query = "query Hello($n: String!) { greet(name: $n) }"
    for name in ("a", "b", "c"):
        assert (await ask(one, query, variables={"n": name})).body == {"data": {"greet": f"Hello {name}"}}
    assert len(one.preparation.plans) == len(one.preparation.documents) == 1


async def test_warming_up_leaves_nothing_for_the_first_request_but_its_own_document(
    gateway: Callable[..., Gateway], shop: Shop
) -> None:
    one = gateway()
    one.warm_up()
    response = await ask(one, "{ __typename }")
    assert (response.record.document_cached, response.record.plan_cached) == (True, True)
    assert shop.requests == []


async def test_what_is_kept_is_bounded_by_settings(gateway: Callable[..., Gateway]) -> None:
    small = gateway("cache: {documents: 2, plans: 3}")
    for index in range(5):
        await ask(small, f"{{ a{index}: __typename }}")
    assert (len(small.preparation.documents), len(small.preparation.plans)) == (2, 3)
    tight = gateway("cache: {memory_bytes: 10}")
    await ask(tight, ME)
    assert (len(tight.preparation.documents), len(tight.preparation.plans)) == (0, 0)


async def test_a_refused_document_is_not_kept(gateway: Callable[..., Gateway]) -> None:
    one = gateway()
    await ask(one, "{ nothing }")
    assert len(one.preparation.documents) == 0


# Plans


@pytest.mark.parametrize(("setting", "requests"), [("true", 2), ("false", 3)])
async def test_fetches_of_one_stage_share_a_request_unless_the_settings_say_no(
    gateway: Callable[..., Gateway], shop: Shop, setting: str, requests: int
) -> None:
    one = gateway(f"planner: {{batch_entity_fetches: {setting}}}")
    response = await ask(one, "{ one: me { orders { id } } other: me { orders { amount } } }")
    assert response.body == {
        "data": {
            "one": {"orders": [{"id": "7"}, {"id": "8"}]},
            "other": {"orders": [{"amount": "0.10"}, {"amount": "2"}]},
        }
    }
    assert len(shop.requests) == response.record.fetches == requests


@pytest.mark.parametrize(
    ("settings", "hints"),
    [("work: 1", (OUT_OF_WORK,)), ("deadline: 1ms", (OUT_OF_TIME,)), ("work: 1000000, deadline: 100s", ())],
)
async def test_planning_ends_where_the_settings_say(shop: Shop, settings: str, hints: tuple[str, ...]) -> None:
    graph, query = shareable(20, 4)
    gateway = Gateway.from_supergraph(graph.sdl, read(f"planner: {{{settings}}}", {}), send=shop)
    request = GraphQLRequest(query=f"query Wide {query}")
    document = await gateway.preparation.document(request, RequestRecord())
    operation = gateway.preparation.operation(document, request, RequestRecord())
    with capture_logs() as lines:
        key, record = PlanKey(document.text, None), RequestRecord()
        plans = [await gateway.preparation.plan(operation, key, record) for _ in range(2)]
    assert plans[0].hints == hints
    logged = [(line["operation"], line["document"], line["hint"]) for line in lines]
    assert logged == [("Wide", document.hash, hint) for hint in hints], "each is logged once, when the plan is made"


async def test_deferred_fields_are_part_of_the_one_response(gateway: Callable[..., Gateway], shop: Shop) -> None:
    response = await ask(gateway(), "{ me { name ... @defer { orders { id } } } }")
    assert response.body == {"data": {"me": {"name": "Ada", "orders": [{"id": "7"}, {"id": "8"}]}}}
    assert len(shop.requests) == 2


# Limits


@pytest.mark.parametrize(
    ("limits", "query", "code"),
    [
        ("depth: 2", ME, "MAX_DEPTH_LIMIT"),
        ("fields: 3", ME, "MAX_FIELDS_LIMIT"),
        ("height: 3", ME, "MAX_HEIGHT_LIMIT"),
        ("aliases: 1", "{ a: __typename b: __typename }", "MAX_ALIASES_LIMIT"),
        ("root_fields: 1", "{ a: __typename b: __typename }", "MAX_ROOT_FIELDS_LIMIT"),
        ("directives: 1", "{ a: __typename @skip(if: true) @include(if: true) }", "MAX_DIRECTIVES_LIMIT"),
        ("operation_name_length: 3", "query Long { __typename }", "MAX_OPERATION_NAME_LIMIT"),
        ("tokens: 5", ME, "MAX_TOKENS_LIMIT"),
        ("recursion: 2", ME, "MAX_RECURSION_LIMIT"),
    ],
)
async def test_limits_refuse_and_without_them_the_same_is_executed(
    gateway: Callable[..., Gateway], shop: Shop, limits: str, query: str, code: str
) -> None:
    response = await ask(gateway(f"limits: {{{limits}}}"), query)
    assert (response.outcome, codes(response)) == (Outcome.REFUSED, [code])
    assert shop.requests == []
    assert (await ask(gateway(), query)).outcome is Outcome.EXECUTED


INTROSPECTION = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"


async def test_introspection_has_a_depth_of_its_own(gateway: Callable[..., Gateway]) -> None:
    on = "introspection: true\n"
    assert codes(await ask(gateway(on), INTROSPECTION)) == ["MAX_INTROSPECTION_DEPTH_LIMIT"]
    for limit in ("4", "null"):
        response = await ask(gateway(f"{on}limits: {{introspection_depth: {limit}}}"), INTROSPECTION)
        assert response.outcome is Outcome.EXECUTED
    assert codes(await ask(gateway(f"{on}limits: {{introspection_depth: 3}}"), INTROSPECTION)) == [
        "MAX_INTROSPECTION_DEPTH_LIMIT"
    ]


@pytest.mark.parametrize("limit", ["tokens: 5", "recursion: 2", "fields: 3", "depth: 1", "height: 2"])
async def test_a_limit_that_measures_refuses_nothing_and_says_so_each_time(
    gateway: Callable[..., Gateway], limit: str
) -> None:
    name = limit.partition(":")[0]
    one = gateway(f"limits: {{{limit}, measure: [{name}]}}")
    for _ in range(2):  # the second time the document is known already
        response = await ask(one, ME)
        assert response.outcome is Outcome.EXECUTED
        assert response.record.exceeds == (name,)
    assert one.limits.exceeded == {name: 2}


async def test_nesting_without_end_is_refused(gateway: Callable[..., Gateway]) -> None:
    response = await ask(gateway(), "{a" * 5_000 + "}" * 5_000)
    assert response.outcome is Outcome.REFUSED


async def test_a_chain_of_fragments_too_deep_for_the_interpreter_is_refused(gateway: Callable[..., Gateway]) -> None:
    chain = " ".join(f"fragment F{index} on Query {{ ...F{index + 1} }}" for index in range(1_500))
    response = await ask(
        gateway("limits: {depth: null}"), f"{{ ...F0 }} {chain} fragment F1500 on Query {{ __typename }}"
    )
    assert (response.outcome, codes(response)) == (Outcome.REFUSED, ["MAX_DEPTH_LIMIT"])


# Errors


async def test_errors_of_a_subgraph_are_masked_and_the_rest_stays(gateway: Callable[..., Gateway], shop: Shop) -> None:
    shop.before["orders"] = failing("table orders is gone", "SQL")
    with capture_logs() as lines:
        response = await ask(gateway(), ME)
    assert response.body["data"] == {"me": {"name": "Ada", "orders": None}}
    (error,) = errors(response)
    assert error["message"] == "Unexpected error"
    assert error["path"] == ["me", "orders"] or error["path"] == ["me"]
    (line,) = [line for line in lines if line.get("error_id") == error["extensions"]["errorId"]]
    assert (line["subgraph"], line["cause"]) == ("orders", "table orders is gone")
    assert "orders is gone" not in str(response.body)


async def test_an_allowed_code_passes(gateway: Callable[..., Gateway], shop: Shop) -> None:
    shop.before["people"] = failing("Log in first", "UNAUTHENTICATED", hint="h")
    response = await ask(gateway("errors: {allow_codes: [UNAUTHENTICATED], allow_extensions: [hint]}"), ME)
    (error,) = errors(response)
    assert (error["message"], error["extensions"]) == ("Log in first", {"code": "UNAUTHENTICATED", "hint": "h"})


async def test_why_there_is_no_plan_is_for_the_log(shop: Shop) -> None:
    unreachable = SDL.replace(
        'type User @join__type(graph: PEOPLE, key: "id") @join__type(graph: ORDERS, key: "id")',
        'type User @join__type(graph: PEOPLE, key: "id") @join__type(graph: ORDERS, key: "id", resolvable: false)',
    )
    with capture_logs() as lines:
        response = await ask(Gateway.from_supergraph(unreachable, send=shop), "{ me { orders { id } } }")
    body: Any = response.body
    (error,) = body["errors"]
    assert (error["message"], error["extensions"]["code"]) == (
        "The operation cannot be planned.",
        "QUERY_PLANNING_FAILED",
    )
    (line,) = (line for line in lines if line["event"] == "an operation could not be planned")
    assert line["error_id"] == error["extensions"]["errorId"]
    assert "User.orders" in line["cause"]


async def test_without_masking_everything_passes(gateway: Callable[..., Gateway], shop: Shop) -> None:
    shop.before["people"] = failing("table people is gone", "SQL")
    response = await ask(gateway("errors: {mask: false}"), ME)
    assert errors(response)[0]["message"] == "table people is gone"


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (SubgraphUnreachable("people", "no", detail="10.0.0.1"), "SUBREQUEST_HTTP_ERROR"),
        (SubgraphUnreachable("people", "no", status=503), "SUBREQUEST_HTTP_ERROR"),
        (SubgraphTimeout("people", "late"), "GATEWAY_TIMEOUT"),
        (SubgraphMalformedResponse("people", "HTML"), "SUBREQUEST_MALFORMED_RESPONSE"),
    ],
)
async def test_a_subgraph_that_fails_keeps_its_code_and_stays_unnamed(
    gateway: Callable[..., Gateway], shop: Shop, failure: Exception, code: str
) -> None:
    def fail(_request: SubgraphRequest) -> SubgraphResponse:
        raise failure

    shop.before["people"] = fail
    response = await ask(gateway(), ME)
    assert response.outcome is Outcome.EXECUTED
    assert response.body["data"] == {"me": None}
    assert codes(response) == [code]
    assert "people" not in str(response.body)
    assert "10.0.0.1" not in str(response.body)


async def test_a_fault_of_ours_is_an_id_for_the_client_and_a_traceback_for_the_log(
    gateway: Callable[..., Gateway], shop: Shop
) -> None:
    def fail(_request: SubgraphRequest) -> SubgraphResponse:
        raise ZeroDivisionError("secret detail")

    shop.before["people"] = fail
    with capture_logs() as lines:
        response = await ask(gateway(), ME)
    assert response.outcome is Outcome.FAILED
    (error,) = errors(response)
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "secret" not in str(response.body)
    (line,) = [line for line in lines if line.get("error_id") == error["extensions"]["errorId"]]
    assert line["exc_info"] is not None


# Time


async def test_the_whole_request_has_a_deadline_that_stops_its_fetches(
    gateway: Callable[..., Gateway], shop: Shop
) -> None:
    stopped = asyncio.Event()

    async def hang(_request: SubgraphRequest) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    shop.before["people"] = hang
    one = gateway("traffic: {request_timeout: 20ms}")
    one.prepare(ME)  # so that the time is over while the fetch waits, on a busy machine too
    response = await ask(one, ME)
    assert (response.outcome, codes(response)) == (Outcome.TIMED_OUT, ["GATEWAY_TIMEOUT"])
    assert stopped.is_set()


@pytest.mark.parametrize(
    ("query", "hashed", "refused_as"),
    [
        ("query Q { nope }", True, ("GRAPHQL_VALIDATION_FAILED",)),
        ("query Q {", False, ("PARSING_ERROR",)),
        ("query R { me { id } }", True, ("GRAPHQL_UNKNOWN_OPERATION_NAME",)),
        ("query Q($n: String!) { greet(name: $n) }", True, ("VALIDATION_INVALID_TYPE_VARIABLE",)),
        ("query Q { me { id } }", True, ()),
    ],
)
async def test_the_record_names_what_was_refused_and_why(
    gateway: Callable[..., Gateway], query: str, *, hashed: bool, refused_as: tuple[str, ...]
) -> None:
    report = (await gateway().execute(GraphQLRequest(query=query, operation_name="Q"))).record
    assert (report.operation_name, report.operation_hash is not None, report.codes) == ("Q", hashed, refused_as)


@pytest.mark.parametrize(("query", "survives"), [(ME, False), ('mutation { rename(name: "x") { id } }', True)])
async def test_a_client_that_leaves_stops_a_query_but_no_mutation(
    gateway: Callable[..., Gateway],
    shop: Shop,
    query: str,
    survives: bool,  # noqa: FBT001  (a table's column)
) -> None:
    begun, release, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    finished = False

    async def wait(_request: SubgraphRequest) -> None:
        nonlocal finished
        begun.set()
        try:
            await release.wait()
            finished = True
        finally:
            ended.set()

    shop.before["people"] = wait
    task = asyncio.create_task(ask(gateway(), query))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    await asyncio.wait_for(ended.wait(), 30)
    assert finished is survives


async def test_closing_waits_for_a_mutation_whose_client_left(gateway: Callable[..., Gateway], shop: Shop) -> None:
    begun, release = asyncio.Event(), asyncio.Event()
    finished: list[str] = []

    async def wait(request: SubgraphRequest) -> None:
        begun.set()
        await release.wait()
        finished.append(request.subgraph)

    shop.before["people"] = wait
    one = gateway()
    client = asyncio.create_task(ask(one, 'mutation { rename(name: "x") { id } }'))
    await begun.wait()
    client.cancel()
    closing = asyncio.create_task(one.aclose())
    await asyncio.sleep(0)
    release.set()
    await closing
    assert finished == ["people"]


# Headers


async def test_headers_reach_subgraphs_by_rule_only(gateway: Callable[..., Gateway], shop: Shop) -> None:
    rules = "headers: {all: {request: [{propagate: {named: authorization}}]}}"
    headers = {"authorization": "t", "cookie": "c"}
    await ask(gateway(), ME, headers=headers)
    assert [dict(request.headers) for request in shop.requests] == [{}, {}]
    shop.requests.clear()
    await ask(gateway(rules), ME, headers=headers)
    assert [dict(request.headers) for request in shop.requests] == [{"authorization": "t"}] * 2


async def test_subgraphs_see_the_routers_place_in_the_trace(gateway: Callable[..., Gateway], shop: Shop) -> None:
    rules = "headers: {all: {request: [{propagate: {named: traceparent}}, {propagate: {named: x-request-id}}]}}"
    incoming = request_ids.RequestIds.from_headers("req-1", f"00-{'a' * 32}-{'b' * 16}-01")
    with request_ids.serving(incoming):
        await ask(gateway(rules), "{ me { id } }", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    (request,) = shop.requests
    assert request.headers["x-request-id"] == "req-1"
    assert request.headers["traceparent"] == incoming.traceparent


# Start


def test_what_is_no_supergraph_is_refused() -> None:
    with pytest.raises(InvalidSupergraph):
        Gateway.from_supergraph("type Query { a: Int }")


def test_settings_for_a_subgraph_that_is_not_there_are_refused(gateway: Callable[..., Gateway]) -> None:
    with pytest.raises(ValueError, match=r"override_subgraph_url\.nobody"):
        gateway("override_subgraph_url: {nobody: 'http://x/'}")


def test_a_certificate_authority_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no certificates"):
        Gateway.from_supergraph(SDL, read("traffic: {all: {certificate_authority: /dev/null/none}}", {}))


async def test_a_closed_gateway_fails_what_comes_after(gateway: Callable[..., Gateway]) -> None:
    closed = gateway()
    await closed.aclose()
    assert codes(await ask(closed, ME)) == ["SUBREQUEST_HTTP_ERROR"]
