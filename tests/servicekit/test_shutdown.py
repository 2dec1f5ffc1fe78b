"""Refusing while a process stops; the signals are tested in `test_server`, with real processes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx

from servicekit import shutdown
from servicekit.shutdown import DrainableApp, refuse_as_graphql

if TYPE_CHECKING:
    import pytest

    from servicekit.asgi import Message, Receive, Scope, Send


async def echo(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


def client(app: DrainableApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://server")


async def test_a_new_request_is_refused_in_json_and_its_connection_is_closed() -> None:
    app = DrainableApp(echo, refuse_as_graphql)
    async with client(app) as http:
        assert (await http.get("/")).text == "done"
        app.start_refusing()
        for path in ("/", "/graphql", "/health/ready"):
            response = await http.get(path)
            assert response.status_code == 503
            assert response.headers["connection"] == "close"
            assert response.headers["retry-after"] == "1"
            assert response.json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        head = await http.head("/")
        assert (head.status_code, head.content) == (503, b"")
        assert (await http.get("/health/live")).text == "done"
    assert (app.refused, app.running) == (4, 0)


async def test_it_is_quiet_when_no_request_has_arrived_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(shutdown, "_now", lambda: now)
    app = DrainableApp(echo, refuse_as_graphql)
    app.start_refusing()
    async with client(app) as http:
        while now < 100.9:
            assert not app.is_quiet
            now += 0.05
            await http.get("/")
    assert not app.is_quiet
    now += 0.1
    assert app.is_quiet


async def test_requests_without_end_do_not_keep_the_port_open(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(shutdown, "_now", lambda: now)
    app = DrainableApp(echo, refuse_as_graphql)
    app.start_refusing()
    async with client(app) as http:
        for _ in range(25):
            now += 0.05
            await http.get("/")
    assert app.is_quiet


async def test_a_request_that_is_cancelled_gets_a_response() -> None:
    started = asyncio.Event()

    async def hangs(_scope: Scope, _receive: Receive, _send: Send) -> None:
        started.set()
        await asyncio.Event().wait()

    app = DrainableApp(hangs, refuse_as_graphql)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing reads the request")

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": []}
    request = asyncio.ensure_future(app(scope, receive, send))
    await started.wait()
    assert app.running == 1
    request.cancel()
    await request
    assert (sent[0]["status"], app.running) == (503, 0)
    assert json.loads(sent[1]["body"])["errors"][0]["message"] == "The server is stopping"
