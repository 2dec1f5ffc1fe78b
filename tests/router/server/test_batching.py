from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from router.policies.limit_checker import LimitChecker
from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Outcome
from router.server.graphql_http_app import GraphQLApp
from router.settings import read
from tests.router.server.asgi_client import AsgiClient

if TYPE_CHECKING:
    from collections.abc import Callable

ON = "batching: {enabled: true}\n"


class Echo:
    """Responds with the name of the operation; a later call responds earlier."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0

    async def __call__(self, request: GraphQLRequest) -> GraphQLResponse:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.02 / self.running)
        self.running -= 1
        report = RequestRecord(fetches=1, errors=1, retry_after=self.most)
        return GraphQLResponse(body={"data": request.query}, outcome=Outcome.REFUSED, record=report)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def client(echo: Echo) -> Callable[..., AsgiClient]:
    return lambda settings=ON: AsgiClient(GraphQLApp(echo, read(settings, {})))


def batch(*queries: str) -> list[object]:
    return [{"query": query} for query in queries]


async def test_it_is_off_by_default(client: Callable[..., AsgiClient]) -> None:
    response = await client("").post(batch("a"))
    assert (response.status, response.code) == (400, "BATCHING_NOT_ENABLED")


async def test_all_run_at_once_and_responses_keep_their_order(client: Callable[..., AsgiClient], echo: Echo) -> None:
    response = await client().post(batch("a", "b", "c"))
    assert response.status == 200
    assert response.json == [{"data": "a"}, {"data": "b"}, {"data": "c"}]
    assert echo.most == 3


async def test_the_response_to_a_batch_of_one_is_an_array(client: Callable[..., AsgiClient]) -> None:
    assert (await client().post(batch("a"))).json == [{"data": "a"}]


async def test_the_response_to_one_operation_is_not_an_array(client: Callable[..., AsgiClient]) -> None:
    assert (await client().post({"query": "a"})).json == {"data": "a"}


async def test_an_array_is_json_whatever_type_of_response_was_asked_for(client: Callable[..., AsgiClient]) -> None:
    response = await client().post(batch("a"), accept="application/graphql-response+json")
    assert (response.status, response.headers["content-type"]) == (200, "application/json; charset=utf-8")


async def test_an_entry_that_is_not_a_request_is_refused_in_its_place(client: Callable[..., AsgiClient]) -> None:
    response = await client().post([{"query": "a"}, 7, {"query": 1}, {"query": "b"}])
    first, *malformed, last = response.json
    assert (first, last) == ({"data": "a"}, {"data": "b"})
    assert [entry["errors"][0]["extensions"]["code"] for entry in malformed] == ["BAD_REQUEST"] * 2


async def test_an_empty_batch_is_malformed(client: Callable[..., AsgiClient]) -> None:
    response = await client().post([])
    assert (response.status, response.code) == (400, "BAD_REQUEST")


async def test_a_batch_has_a_size(client: Callable[..., AsgiClient], echo: Echo) -> None:
    limited = client(ON + "limits: {batch_size: 2}")
    assert (await limited.post(batch("a", "b"))).status == 200
    echo.most = 0
    response = await limited.post(batch("a", "b", "c"))
    assert (response.status, response.code) == (400, "BATCH_LIMIT_EXCEEDED")
    assert echo.most == 0


async def test_the_size_can_be_measured_first(echo: Echo) -> None:
    settings = read(ON + "limits: {batch_size: 1, measure: [batch_size]}", {})
    watch = LimitChecker(settings.limits)
    with capture_logs() as lines:
        response = await AsgiClient(GraphQLApp(echo, settings, limits=watch)).post(batch("a", "b"))
    assert len(response.json) == 2
    assert lines[0]["exceeds"] == ["batch_size"]
    assert watch.exceeded == {"batch_size": 1}


async def test_one_line_tells_of_all(client: Callable[..., AsgiClient]) -> None:
    with capture_logs() as lines:
        response = await client().post(batch("a", "b", "c"))
    (line,) = lines
    assert (line["batch"], line["fetches"], line["errors"]) == (3, 3, 3)
    assert response.headers["retry-after"] == "3"


async def test_a_client_that_leaves_stops_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.server.client_disconnect.WATCH_AFTER", 0.001)
    left, stopped = asyncio.Event(), 0

    async def hang(_request: GraphQLRequest) -> GraphQLResponse:
        nonlocal stopped
        left.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped += 1
        raise AssertionError

    client = AsgiClient(GraphQLApp(hang, read(ON, {})))
    body = b'[{"query":"a"},{"query":"b"}]'
    assert await client.send("POST", headers={"content-type": "application/json"}, body=[body], leaves=left) is None
    assert stopped == 2
