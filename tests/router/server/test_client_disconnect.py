"""What happens when a client leaves, or stays."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from router.server import client_disconnect
from router.server.graphql_http_app import GraphQLApp
from router.server.request_body import ClientGone
from router.settings import read
from tests.reference_cycles import reference_cycles
from tests.router.server.asgi_client import AsgiClient

if TYPE_CHECKING:
    from router.request.request_and_response import GraphQLRequest, GraphQLResponse
    from servicekit.asgi import Message
    from tests.router.server.recorder import Recorder


async def test_a_client_that_leaves_stops_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_disconnect, "WATCH_AFTER", 0.0)
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
    assert await asyncio.wait_for(exchange, 30) is None
    assert cancelled.is_set()


async def test_a_slow_response_still_arrives_while_the_client_stays(
    monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    monkeypatch.setattr(client_disconnect, "WATCH_AFTER", 0.0)

    async def slow(request: GraphQLRequest) -> GraphQLResponse:
        await asyncio.sleep(0.02)
        return await recorder(request)

    response = await AsgiClient(GraphQLApp(slow, read("", {}))).get("query=q")
    assert response.status == 200


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


async def test_a_watched_request_leaves_no_reference_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_disconnect, "WATCH_AFTER", 0.0)
    watched, ended = asyncio.Event(), asyncio.Event()

    async def receive() -> Message:
        watched.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError("unreachable")

    with reference_cycles("router.") as left:
        async with client_disconnect.DisconnectWatch(receive, ClientGone):
            await watched.wait()
        await ended.wait()
    assert left == {}
