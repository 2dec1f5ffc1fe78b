from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest
from structlog.testing import capture_logs

from router.request.messages import GraphQLRequest, GraphQLResponse
from router.request.outcome import Outcome
from router.request.record import RequestRecord
from router.server import disconnect
from router.server.app import GraphQLApp
from router.settings import read
from tests.router.server.asgi_client import Answer, AsgiClient

if TYPE_CHECKING:
    from collections.abc import Callable

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"


class Recorder:
    """An `Execute` that remembers what it was asked and answers as told."""

    def __init__(self) -> None:
        self.requests: list[GraphQLRequest] = []
        self.outcome = Outcome.EXECUTED
        self.record = RequestRecord(
            operation_name="Q",
            operation_kind="query",
            operation_hash="h",
            fetches=2,
            parse=0.001,
            validate=0.002,
            plan=0.003,
            execute=0.009,
            fetch=0.004,
        )

    async def __call__(self, request: GraphQLRequest) -> GraphQLResponse:
        self.requests.append(request)
        return GraphQLResponse(body={"data": {"n": Decimal("0.10")}}, outcome=self.outcome, record=self.record)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def client(recorder: Recorder) -> Callable[..., AsgiClient]:
    def make(settings: str = "") -> AsgiClient:
        return AsgiClient(GraphQLApp(recorder, read(settings, {})))

    return make


async def test_a_post_becomes_a_request_with_exact_numbers(
    client: Callable[..., AsgiClient], recorder: Recorder
) -> None:
    body = b'{"query":"q","operationName":"Q","variables":{"v":1.10,"i":1180591620717411303424},"extensions":{"e":1}}'
    answer = await client().post(body, x_a="b")
    assert answer.status == 200
    assert answer.body == b'{"data":{"n":0.10}}'
    (request,) = recorder.requests
    assert (request.query, request.operation_name, request.read_only) == ("q", "Q", False)
    assert request.variables == {"v": Decimal("1.10"), "i": 2**70}
    assert request.extensions == {"e": 1}
    assert request.headers["x-a"] == "b"


async def test_a_get_becomes_a_read_only_request(client: Callable[..., AsgiClient], recorder: Recorder) -> None:
    query = urlencode({"query": "{ é }", "operationName": "Q", "variables": '{"v":1.5}', "extensions": "{}"})
    assert (await client().get(query)).status == 200
    assert [replace(request, deadline=None) for request in recorder.requests] == [
        GraphQLRequest(query="{ é }", operation_name="Q", variables={"v": Decimal("1.5")}, read_only=True)
    ]


async def test_head_is_a_get(client: Callable[..., AsgiClient], recorder: Recorder) -> None:
    with capture_logs() as lines:
        answer = await client().send("HEAD", query="query=q")
    assert answer is not None
    assert answer.status == 200
    assert recorder.requests[0].read_only
    assert lines[0]["bytes"] == 0  # a server sends no body


@pytest.mark.parametrize("name", ["operationName", "variables", "extensions"])
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_null_means_absent(client: Callable[..., AsgiClient], recorder: Recorder, name: str, accept: str) -> None:
    assert (await client().post({"query": "q", name: None}, accept=accept)).status == 200
    assert recorder.requests[0].variables == {}
    assert recorder.requests[0].operation_name is None


async def test_an_empty_operation_name_means_absent(client: Callable[..., AsgiClient], recorder: Recorder) -> None:
    await client().post({"query": "q", "operationName": ""})
    await client().get("query=q&operationName=&variables=")
    assert [request.operation_name for request in recorder.requests] == [None, None]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b'"q"',
        b"1",
        b"{}",
        b'{"query":null}',
        b'{"query":""}',
        b'{"query":1}',
        b'{"query":{}}',
        b'{"query":["q"]}',
        b'{"query":"q","operationName":1}',
        b'{"query":"q","operationName":{}}',
        b'{"query":"q","variables":"{}"}',
        b'{"query":"q","variables":[]}',
        b'{"query":"q","variables":1}',
        b'{"query":"q","extensions":false}',
        b'{"query":"q","extensions":[]}',
        b'{"query":"\xff"}',
        b'\xef\xbb\xbf{"query":"q"}',
        b'{"query":"q","variables":{"v":1e99999999999999999999}}',
        b'{"query":"q","variables":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_001,
    ],
)
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_a_malformed_body_is_a_bad_request(
    client: Callable[..., AsgiClient], recorder: Recorder, body: bytes, accept: str
) -> None:
    answer = await client().post(body, accept=accept)
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert answer.headers["content-type"] == f"{accept}; charset=utf-8"
    assert "data" not in answer.json
    assert recorder.requests == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "query=",
        "query=q&query=q",
        "query=q&variables=%7B",
        "query=q&variables=1",
        "query=q&variables=[]",
        "query=q&extensions=x",
        "query=%ff",
    ],
)
async def test_a_malformed_query_string_is_a_bad_request(
    client: Callable[..., AsgiClient], recorder: Recorder, query: str
) -> None:
    answer = await client().get(query)
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert recorder.requests == []


async def test_a_batch_is_refused_by_name(client: Callable[..., AsgiClient]) -> None:
    answer = await client().post([{"query": "q"}])
    assert (answer.status, answer.code) == (400, "BATCHING_NOT_ENABLED")


async def test_a_persisted_query_is_refused_with_the_message_clients_know(client: Callable[..., AsgiClient]) -> None:
    answer = await client().post({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}})
    assert answer.json["errors"][0]["message"] == "PersistedQueryNotSupported"


@pytest.mark.parametrize(
    ("accept", "outcome", "status"),
    [
        (GRAPHQL, Outcome.EXECUTED, 200),
        (GRAPHQL, Outcome.REFUSED, 400),
        (GRAPHQL, Outcome.NOT_READ_ONLY, 405),
        (GRAPHQL, Outcome.TIMED_OUT, 504),
        (GRAPHQL, Outcome.FAILED, 500),
        (JSON, Outcome.EXECUTED, 200),
        (JSON, Outcome.REFUSED, 200),
        (JSON, Outcome.NOT_READ_ONLY, 405),
        (JSON, Outcome.TIMED_OUT, 504),
        (JSON, Outcome.FAILED, 500),
    ],
)
async def test_status_and_type_of_the_answer_follow_from_outcome_and_accept(
    client: Callable[..., AsgiClient], recorder: Recorder, accept: str, outcome: Outcome, status: int
) -> None:
    recorder.outcome = outcome
    answer = await client().post({"query": "q"}, accept=accept)
    assert answer.status == status
    assert answer.headers["content-type"] == f"{accept}; charset=utf-8"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert answer.headers.get("allow") == ("POST" if status == 405 else None)


async def test_a_type_nobody_can_give_is_not_acceptable(client: Callable[..., AsgiClient]) -> None:
    answer = await client().post({"query": "q"}, accept="text/html")
    assert (answer.status, answer.code) == (406, "NOT_ACCEPTABLE")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("content_type", ["text/plain", "application/graphql", "application/json; charset=latin-1", ""])
async def test_a_body_that_is_not_json_is_an_unsupported_type(
    client: Callable[..., AsgiClient], content_type: str
) -> None:
    answer = await client().post({"query": "q"}, content_type=content_type)
    assert (answer.status, answer.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_post_without_content_type_is_an_unsupported_type(client: Callable[..., AsgiClient]) -> None:
    answer = await client().send("POST", body=[b'{"query":"q"}'])
    assert answer is not None
    assert answer.status == 415


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
async def test_another_method_is_not_allowed(client: Callable[..., AsgiClient], method: str) -> None:
    answer = await client().send(method)
    assert answer is not None
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"


async def test_options_tells_the_methods(client: Callable[..., AsgiClient], recorder: Recorder) -> None:
    answer = await client().send("OPTIONS")
    assert answer is not None
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert recorder.requests == []


@pytest.mark.parametrize("path", ["/", "/graphql/", "/other"])
async def test_another_path_is_not_found(client: Callable[..., AsgiClient], path: str) -> None:
    answer = await client().send("POST", path)
    assert answer is not None
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


async def test_the_path_is_configurable(client: Callable[..., AsgiClient]) -> None:
    answer = await client("server: {path: /}").send("GET", "/", query="query=q")
    assert answer is not None
    assert answer.status == 200


async def test_a_body_in_parts_is_joined(client: Callable[..., AsgiClient], recorder: Recorder) -> None:
    headers = {"content-type": "application/json"}
    answer = await client().send("POST", headers=headers, body=[b'{"que', b"", b'ry":"q"}'])
    assert answer is not None
    assert answer.status == 200
    assert recorder.requests[0].query == "q"


@pytest.mark.parametrize("declared", [{}, {"content-length": "31"}, {"content-length": "5"}])
async def test_a_body_beyond_the_limit_is_too_large_and_ends_the_connection(
    client: Callable[..., AsgiClient], recorder: Recorder, declared: dict[str, str]
) -> None:
    limited = client("limits: {body_bytes: 30}")
    headers = {"content-type": "application/json", **declared}
    answer = await limited.send("POST", headers=headers, body=[b'{"query":"q",', b'"operationName":"X"}'])
    assert answer is not None
    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")
    assert answer.headers["connection"] == "close"
    assert recorder.requests == []
    assert (await limited.post(b'{"query":"q","variables":null}')).status == 200


async def test_a_body_that_does_not_arrive_is_not_waited_for(client: Callable[..., AsgiClient]) -> None:
    answer = await client("traffic: {request_timeout: 10ms}").send("POST", headers={"content-type": JSON}, body=[])
    assert answer is not None
    assert (answer.status, answer.code) == (408, "REQUEST_TIMEOUT")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_time_of_a_request_runs_from_its_head(
    client: Callable[..., AsgiClient], recorder: Recorder, method: str
) -> None:
    began = asyncio.get_running_loop().time()
    limited = client("traffic: {request_timeout: 5s}")
    await (limited.get("query=q") if method == "GET" else limited.post({"query": "q"}))
    (request,) = recorder.requests
    assert request.deadline == pytest.approx(began + 5, abs=0.5)


async def test_a_query_string_beyond_the_limit_is_too_long(client: Callable[..., AsgiClient]) -> None:
    limited = client("limits: {url_bytes: 19}")
    assert (await limited.get("query=abcd")).status == 200
    answer = await limited.get("query=abcde")
    assert (answer.status, answer.code) == (414, "URI_TOO_LONG")


async def test_a_client_that_leaves_in_mid_body_gets_nothing(
    client: Callable[..., AsgiClient], recorder: Recorder
) -> None:
    left = asyncio.Event()
    left.set()
    with capture_logs() as lines:
        answer = await client().send("POST", headers={"content-type": JSON}, body=[], leaves=left)
    assert answer is None
    assert recorder.requests == []
    assert lines[0]["status"] == 499


async def test_a_client_that_leaves_stops_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disconnect, "WATCH_AFTER", 0.0)
    begun, left, cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def forever(_request: GraphQLRequest) -> GraphQLResponse:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError("unreachable")

    client = AsgiClient(GraphQLApp(forever, read("", {})))
    exchange = asyncio.create_task(client.send("GET", query="query=q", leaves=left))
    await begun.wait()
    left.set()
    assert await asyncio.wait_for(exchange, 5) is None
    assert cancelled.is_set()


async def test_a_slow_answer_still_arrives_while_the_client_stays(
    monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    monkeypatch.setattr(disconnect, "WATCH_AFTER", 0.0)

    async def slow(request: GraphQLRequest) -> GraphQLResponse:
        await asyncio.sleep(0.02)
        return await recorder(request)

    answer = await AsgiClient(GraphQLApp(slow, read("", {}))).get("query=q")
    assert answer.status == 200


async def test_a_cancellation_from_elsewhere_is_not_taken_for_a_client_that_left() -> None:
    begun = asyncio.Event()

    async def forever(_request: GraphQLRequest) -> GraphQLResponse:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    exchange = asyncio.create_task(AsgiClient(GraphQLApp(forever, read("", {}))).get("query=q"))
    await begun.wait()
    exchange.cancel()
    with pytest.raises(asyncio.CancelledError):
        await exchange


async def test_one_line_tells_of_a_request_and_nothing_of_its_content(client: Callable[..., AsgiClient]) -> None:
    payload = {"query": "query Q { secretField }", "variables": {"password": "geheim"}}
    with capture_logs() as lines:
        await client().post(payload, apollographql_client_name="web", apollographql_client_version="1")
    (line,) = lines
    assert line["event"] == "request"
    assert (line["method"], line["path"], line["status"], line["bytes"]) == ("POST", "/graphql", 200, 19)
    assert (line["operation"], line["operation_kind"], line["operation_hash"]) == ("Q", "query", "h")
    assert (line["fetches"], line["client"], line["client_version"]) == (2, "web", "1")
    assert line["request_bytes"] == len(json.dumps(payload))
    assert {"document_cached", "plan_cached", "errors"} <= line.keys()
    durations = {name: line[f"{name}_ms"] for name in ("parse", "validate", "plan", "fetch", "complete")}
    assert durations == {"parse": 1.0, "validate": 2.0, "plan": 3.0, "fetch": 4.0, "complete": 5.0}
    assert "geheim" not in str(line)
    assert "secretField" not in str(line)


async def test_a_refusal_is_logged_with_its_code(client: Callable[..., AsgiClient]) -> None:
    with capture_logs() as lines:
        await client().get("query=" + quote("{ geheim }") + "&variables=no")
    (line,) = lines
    assert (line["status"], line["code"]) == (400, "BAD_REQUEST")
    assert "geheim" not in str(line)


async def test_headers_that_come_twice_are_joined(recorder: Recorder) -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/graphql",
        "query_string": b"query=q",
        "headers": [(b"x-a", b"1"), (b"x-a", b"2"), (b"cookie", b"a=1"), (b"cookie", b"b=2")],
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(_message: object) -> None:
        pass

    await GraphQLApp(recorder, read("csrf: {enabled: false}", {}))(scope, receive, send)
    assert recorder.requests[0].headers == {"x-a": "1, 2", "cookie": "a=1; b=2"}


async def test_the_server_is_told_of_start_and_end_and_what_is_open_gets_closed(recorder: Recorder) -> None:
    closed = asyncio.Event()

    async def close() -> None:
        closed.set()

    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    told: list[object] = []

    async def receive() -> dict[str, str]:
        return events.pop(0)

    async def send(message: object) -> None:
        told.append(message)

    await GraphQLApp(recorder, read("", {}), close)({"type": "lifespan"}, receive, send)
    assert told == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
    assert closed.is_set()


# CSRF

BLOCKED = (400, "CSRF_BLOCKED")


def verdict(answer: Answer) -> tuple[int, object]:
    return answer.status, (answer.code if answer.status != 200 else None)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (200, None)),
        ({"origin": "https://evil"}, BLOCKED),
        ({"cookie": "session=1"}, BLOCKED),
        ({"sec_fetch_site": "cross-site"}, BLOCKED),
        ({"sec_fetch_site": "same-site"}, BLOCKED),
        ({"sec_fetch_site": "same-origin", "cookie": "session=1"}, (200, None)),
        ({"sec_fetch_site": "none", "cookie": "session=1"}, (200, None)),
        ({"sec_fetch_site": "cross-site", "apollo_require_preflight": "1"}, (200, None)),
        ({"sec_fetch_site": "cross-site", "x_apollo_operation_name": "Q"}, (200, None)),
        ({"sec_fetch_site": "cross-site", "content_type": "application/json"}, (200, None)),
        ({"sec_fetch_site": "cross-site", "content_type": "text/plain; x=application/json"}, BLOCKED),
    ],
)
async def test_a_get_that_another_origins_page_may_have_caused_is_blocked(
    client: Callable[..., AsgiClient], headers: dict[str, str], expected: tuple[int, str | None]
) -> None:
    assert verdict(await client().get("query=q", **headers)) == expected


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_post_as_a_form_sends_it_is_blocked(client: Callable[..., AsgiClient], content_type: str) -> None:
    answer = await client().post({"query": "q"}, content_type=content_type, origin="https://evil")
    assert verdict(answer) == BLOCKED


async def test_csrf_prevention_can_be_switched_off_and_its_headers_chosen(client: Callable[..., AsgiClient]) -> None:
    cross = {"sec_fetch_site": "cross-site"}
    assert verdict(await client("csrf: {enabled: false}").get("query=q", **cross)) == (200, None)
    chosen = client("csrf: {required_headers: [X-Mine]}")
    assert verdict(await chosen.get("query=q", **cross, x_mine="1")) == (200, None)
    assert verdict(await chosen.get("query=q", **cross, apollo_require_preflight="1")) == BLOCKED


# CORS

PAGES = "cors: {enabled: true, origins: ['https://app.example'], %s}"


async def test_no_page_may_read_answers_by_default(client: Callable[..., AsgiClient]) -> None:
    answer = await client().post({"query": "q"}, origin="https://app.example")
    assert "access-control-allow-origin" not in answer.headers


async def test_a_page_on_the_list_may_read_answers(client: Callable[..., AsgiClient]) -> None:
    answer = await client(PAGES % "expose_headers: [X-Request-Id]").post({"query": "q"}, origin="https://app.example")
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["access-control-expose-headers"] == "x-request-id"
    assert answer.headers["vary"] == "Origin, Accept, Accept-Encoding"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil", "https://app.example.evil", "null"])
async def test_another_page_may_not(client: Callable[..., AsgiClient], origin: str) -> None:
    answer = await client(PAGES % "max_age: 1m").post({"query": "q"}, origin=origin)
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin, Accept, Accept-Encoding"


async def test_a_preflight_is_answered_from_the_settings(client: Callable[..., AsgiClient]) -> None:
    pages = client(PAGES % "allow_headers: [X-A, Content-Type], max_age: 1m, allow_credentials: true")
    answer = await pages.send(
        "OPTIONS", headers={"origin": "https://app.example", "access-control-request-method": "POST"}
    )
    assert answer is not None
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, POST, OPTIONS"
    assert answer.headers["access-control-allow-headers"] == "x-a, content-type"
    assert answer.headers["access-control-max-age"] == "60"
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_every_page_may_when_the_operator_says_so(client: Callable[..., AsgiClient]) -> None:
    answer = await client("cors: {enabled: true, origins: ['*']}").post({"query": "q"}, origin="https://any")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


async def test_refusals_can_be_read_by_the_page_too(client: Callable[..., AsgiClient]) -> None:
    answer = await client(PAGES % "max_age: 1m").post(b"{", origin="https://app.example")
    assert answer.status == 400
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
