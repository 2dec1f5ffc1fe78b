"""GraphQL over HTTP in a subgraph, and the content of its errors.

Covers `subgraphs/kit/graphql_http.py`, `subgraphs/kit/graphql_errors.py`, `subgraphs/kit/app.py`,
`subgraphs/kit/context.py` and `subgraphs/kit/token_verification.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from subgraphs.kit.request_limits import MAX_BODY_BYTES
from tests.subgraphs.kit import library
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from servicekit.asgi import Message
    from tests.subgraphs.support import Issuer

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("*/*", JSON),
        (JSON, JSON),
        ("application/*;q=0.8", JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        ("text/html, */*;q=0.1", JSON),
    ],
)
async def test_the_response_has_a_media_type_that_the_client_accepts(
    http: httpx.AsyncClient, accept: str | None, expected: str
) -> None:
    http.headers.pop("accept")
    headers = {} if accept is None else {"accept": accept}
    response = await http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (200, f"{expected}; charset=utf-8")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ echo(amount: 1) }", "BAD_USER_INPUT"),
    ],
)
@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200)])
async def test_a_request_that_fails_before_execution_has_no_data(
    http: httpx.AsyncClient, query: str, code: str, accept: str, status: int
) -> None:
    response = await http.post("/graphql", json={"query": query}, headers={"accept": accept})
    body = response.json()
    assert (response.status_code, "data" in body) == (status, False)
    assert [error["extensions"]["code"] for error in body["errors"]] == [code]


@pytest.mark.parametrize(
    ("query", "variables", "message"),
    [
        ('{ books(first: "hunter2") { totalCount } }', {}, "Int cannot represent non-integer value."),
        ('{ books(first "hunter2") }', {}, "Syntax Error: Expected ':', found String."),
        (
            "query ($n: Int) { books(first: $n) { totalCount } }",
            {"n": "hunter2"},
            "Variable '$n' has invalid value: Int cannot represent non-integer value.",
        ),
        (
            "query ($at: DateTime) { echo(at: $at) }",
            {"at": "hunter2"},
            "Variable '$at' has invalid value: DateTime: not an RFC 3339 time such as 2026-01-31T09:30:00Z",
        ),
    ],
)
async def test_an_error_says_where_a_value_is_wrong_and_does_not_repeat_it(
    issuer: Issuer, tmp_path: Path, query: str, variables: dict[str, Any], message: str
) -> None:
    app = library.app(issuer, tmp_path, MOSAFE_ENV="development")
    async with issuer.published(), running(app) as http:
        (error,) = (await GraphQLClient(http).execute(query, variables)).errors
    assert error["message"] == message
    assert error["locations"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b"null", JSON, 400),
        (b"\xff", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b"{}", JSON, 400),
        (b'{"query": 7}', JSON, 400),
        (b'{"query": "{__typename}", "variables": []}', JSON, 400),
        (b'{"query": "{__typename}", "operationName": 7}', JSON, 400),
        (b'{"query": "{__typename}", "extensions": "x"}', JSON, 400),
        (b'{"query": "{__typename}", "operationName": "Other"}', JSON, 400),
        (b'{"query": "query A {__typename} query B {__typename}"}', JSON, 400),
        (b'{"query": "{__typename}"}', "text/plain", 415),
        (b'{"query": "{__typename}"}', "", 415),
        (b'{"query": "' + b" " * MAX_BODY_BYTES + b'"}', JSON, 413),
    ],
)
async def test_a_request_that_is_not_graphql_is_refused(
    http: httpx.AsyncClient, body: bytes, content_type: str, status: int
) -> None:
    response = await http.post("/graphql", content=body, headers={"content-type": content_type, "accept": GRAPHQL})
    assert response.status_code == status
    assert response.json()["errors"]


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, gzip", "\xff"])
async def test_a_body_with_a_content_coding_is_not_read(http: httpx.AsyncClient, coding: str) -> None:
    """It was 400, after the whole body was read."""
    headers = {b"content-type": JSON.encode(), b"content-encoding": coding.encode("latin-1")}
    response = await http.post("/graphql", content=b"{}", headers=headers)
    assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")


async def test_null_members_are_like_absent_ones(http: httpx.AsyncClient) -> None:
    body: dict[str, Any] = {"query": "{ __typename }", "variables": None, "operationName": None, "extensions": None}
    response = await http.post("/graphql", json=body)
    assert response.json() == {"data": {"__typename": "Query"}}


async def test_get_runs_queries_only(http: httpx.AsyncClient) -> None:
    query = "query ($c: Currency) { echo(currency: $c) }"
    response = await http.get("/graphql", params={"query": query, "variables": '{"c": "EUR"}'})
    assert response.json() == {"data": {"echo": "['EUR']"}}
    response = await http.get("/graphql", params={"query": "mutation { shelve }"})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    response = await http.get("/graphql", params={"query": "{ __typename }", "variables": "{"})
    assert response.status_code == 400


async def test_an_unknown_accept_header_is_406(http: httpx.AsyncClient) -> None:
    response = await http.post("/graphql", json={"query": "{ __typename }"}, headers={"accept": "text/html"})
    assert response.status_code == 406


async def test_an_unexpected_error_shows_the_request_id_and_not_its_cause(client: GraphQLClient) -> None:
    response = await client.execute("{ broken }", headers={"x-request-id": "req_1"})
    assert response.data == {"broken": None}
    (error,) = response.errors
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "requestId": "req_1"}
    assert "hunter2" not in str(error)


async def test_an_invalid_token_fails_only_the_fields_that_need_a_caller(client: GraphQLClient, issuer: Issuer) -> None:
    me = "0198c0de-0000-7000-8000-000000000001"
    assert (await client.bearing(issuer.token(me)).execute("{ me }")).ok() == {"me": me}
    for token in (None, "nonsense", issuer.token(me, claims={"exp": 1})):
        response = await client.bearing(token).execute("{ me echo }")
        assert response.data == {"me": None, "echo": "[]"}
        assert response.codes == ["UNAUTHENTICATED"]


async def test_a_huge_operation_is_refused_before_execution(client: GraphQLClient) -> None:
    response = await client.execute("{ " + "a: __typename " * 20_000 + "}")
    assert (response.status, response.data) == (400, None)


async def test_health_needs_no_token(http: httpx.AsyncClient) -> None:
    assert (await http.get("/health/ready")).json() == {"status": "ready", "books": 1}


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 504), (JSON, 200)])
async def test_the_time_that_a_trusted_caller_gives_ends_the_work(
    issuer: Issuer, tmp_path: Path, accept: str, status: int
) -> None:
    reading = library.Reading()
    async with issuer.published(), running(library.app(issuer, tmp_path, reading)) as http:
        headers = {"accept": accept, "x-request-timeout-ms": "50"}
        response = await http.post("/graphql", json={"query": "{ readAll }"}, headers=headers)
    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]["code"]) == (status, "GATEWAY_TIMEOUT")
    assert reading.ended.is_set()


async def test_the_limit_of_the_process_holds_whatever_the_caller_says(issuer: Issuer, tmp_path: Path) -> None:
    app = library.app(issuer, tmp_path, SUBGRAPH_REQUEST_SECONDS="0.05")
    async with issuer.published(), running(app) as http:
        for headers in ({}, {"x-request-timeout-ms": "60000"}, {"x-request-timeout-ms": "soon"}):
            response = await http.post("/graphql", json={"query": "{ readAll }"}, headers=headers)
            assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["GATEWAY_TIMEOUT"]


async def test_a_caller_that_is_not_trusted_sets_no_deadline(issuer: Issuer, tmp_path: Path) -> None:
    app = library.app(issuer, tmp_path, MOSAFE_TRUSTED_PROXIES="192.0.2.0/24")
    async with issuer.published(), running(app) as http:
        response = await http.post("/graphql", json={"query": "{ echo }"}, headers={"x-request-timeout-ms": "0"})
    assert response.json() == {"data": {"echo": "[]"}}


async def test_work_ends_when_the_client_hangs_up(issuer: Issuer, tmp_path: Path) -> None:
    """Before, a query ran on after its client had left, and a loop of such clients filled the memory."""
    reading = library.Reading()
    body = b'{"query": "{ readAll }"}'
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        for message in messages:
            return message
        await reading.begun.wait()
        return {"type": "http.disconnect"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "client": ("127.0.0.1", 9),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    app = library.app(issuer, tmp_path, reading)
    async with issuer.published(), running(app):
        await app(scope, receive, send)
    assert reading.ended.is_set()
    assert sent[0]["status"] == 499


async def test_limits_have_variables(issuer: Issuer, tmp_path: Path) -> None:
    app = library.app(issuer, tmp_path, SUBGRAPH_MAX_OBJECTS="1", SUBGRAPH_MAX_DEPTH="2", SUBGRAPH_MAX_ALIASES="0")
    async with issuer.published(), running(app) as http:
        client = GraphQLClient(http)
        assert (await client.execute("{ books(first: 1) { nodes { id } } }")).codes == ["MAX_DEPTH_LIMIT"]
        assert (await client.execute("{ a: echo }")).codes == ["MAX_ALIASES_LIMIT"]
        response = await client.execute("{ _entities(representations: [{}, {}]) { __typename } }")
        assert response.errors[0]["extensions"] == {"code": "QUERY_TOO_EXPENSIVE", "estimate": 2, "limit": 1}
