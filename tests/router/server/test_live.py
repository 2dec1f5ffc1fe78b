"""The gateway behind a real server and real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
from fastapi import FastAPI

from router.gateway import Gateway
from router.server import client_disconnect
from router.settings import read
from tests.router.server.live import serving
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    import pytest

    from router.transport.interface import SubgraphRequest

ME = {"query": "{ me { name } }"}
SECONDS = 30


def test_a_client_that_closes_its_connection_stops_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_disconnect, "WATCH_AFTER", 0.01)
    begun, stopped = threading.Event(), threading.Event()

    async def hang(_request: SubgraphRequest) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    shop = Shop(before={"people": hang})
    body = json.dumps(ME).encode()
    with serving(Gateway.from_supergraph(SDL, send=shop).asgi) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            head = f"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
            client.sendall(head.encode() + b"\r\n\r\n" + body)
            assert begun.wait(SECONDS)
            assert not stopped.is_set()
        assert stopped.wait(SECONDS)


def test_a_shutdown_lets_a_request_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_disconnect, "WATCH_AFTER", 0.01)
    begun, release = threading.Event(), threading.Event()

    async def wait(_request: SubgraphRequest) -> None:
        begun.set()
        while not release.is_set():
            await asyncio.sleep(0.01)

    shop = Shop(before={"people": wait})
    with ThreadPoolExecutor(1) as pool:
        with serving(Gateway.from_supergraph(SDL, send=shop).asgi) as url:
            response = pool.submit(httpx.post, f"{url}/graphql", json=ME, timeout=SECONDS)
            assert begun.wait(SECONDS)
            threading.Timer(0.1, release.set).start()
        assert response.result(SECONDS).json() == {"data": {"me": {"name": "Ada"}}}


def test_concurrent_requests_all_get_a_response() -> None:
    with (
        serving(Gateway.from_supergraph(SDL, send=Shop()).asgi) as url,
        httpx.Client(timeout=SECONDS) as client,
        ThreadPoolExecutor(16) as pool,
    ):
        responses = list(pool.map(lambda _: client.post(f"{url}/graphql", json=ME).json(), range(200)))
    assert responses == [{"data": {"me": {"name": "Ada"}}}] * 200


async def test_it_can_be_mounted_in_another_application() -> None:
    gateway = Gateway.from_supergraph(SDL, read("server: {path: /graphql}", {}), send=Shop())
    app = FastAPI()
    app.mount("/api", gateway.asgi)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.post("/api/graphql", json=ME)).json() == {"data": {"me": {"name": "Ada"}}}
        assert (await client.post("/api/other", json=ME)).status_code == 404
