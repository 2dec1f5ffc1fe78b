"""The parameters of a request, in a body or a query string."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from router.request.request_and_response import GraphQLRequest
from tests.router.server.recorder import GRAPHQL, JSON, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.router.server.asgi_client import AsgiClient


async def test_a_post_becomes_a_request_with_exact_numbers(
    client: Callable[..., AsgiClient], recorder: Recorder
) -> None:
    body = b'{"query":"q","operationName":"Q","variables":{"v":1.10,"i":1180591620717411303424},"extensions":{"e":1}}'
    response = await client().post(body, x_a="b")
    assert response.status == 200
    assert response.body == b'{"data":{"n":0.10}}'
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
    response = await client().get(query)
    assert (response.status, response.code) == (400, "BAD_REQUEST")
    assert recorder.requests == []


async def test_a_persisted_query_is_refused_with_the_message_clients_know(client: Callable[..., AsgiClient]) -> None:
    response = await client().post({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}})
    assert response.json["errors"][0]["message"] == "PersistedQueryNotSupported"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"query": ""}, "The parameter `query` is empty."),
        ({}, "The parameter `query` is missing or not a string."),
        ({"query": 5}, "The parameter `query` is missing or not a string."),
        ({"query": None}, "The parameter `query` is missing or not a string."),
    ],
)
async def test_the_message_says_what_is_wrong_with_the_query(
    client: Callable[..., AsgiClient], body: dict[str, object], message: str
) -> None:
    response = await client().post(body)
    assert (response.status, response.code) == (400, "BAD_REQUEST")
    assert response.json["errors"][0]["message"] == message
