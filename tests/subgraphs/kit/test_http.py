"""GraphQL over HTTP in a subgraph, and the content of its errors.

Covers `subgraphs/kit/http.py`, `subgraphs/kit/app.py`, `subgraphs/kit/context.py` and `subgraphs/kit/verification.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from subgraphs.kit.http import MAX_BODY_BYTES

if TYPE_CHECKING:
    import httpx

    from tests.subgraphs.support import GraphQLClient, Issuer

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
    assert (await http.get("/health/ready")).json() == {"status": "ready"}
