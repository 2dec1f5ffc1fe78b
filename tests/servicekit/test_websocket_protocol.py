"""WebSockets beside HTTP on one port: when the protocol changes, and what a client that does not read gets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from servicekit import websocket_protocol as module
from servicekit.http_limits import ConnectionLimits
from tests.servicekit.raw_http import GOOD, SECONDS, SHORT, app, served

if TYPE_CHECKING:
    from servicekit.asgi import Receive, Scope, Send

HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n"
)
# A masked text frame: the mask is 0, so the text can be read.
FRAME = b"\x81\x82\x00\x00\x00\x00hi"


class Echo:
    """Sends back what it gets over a WebSocket; `/flood` sends without end."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await app(scope, receive, send)
            return
        try:
            await receive()
            await send({"type": "websocket.accept"})
            while scope["path"] == "/flood":
                await send({"type": "websocket.send", "text": "x" * 100_000})
            while (message := await receive())["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": message["text"]})
        finally:
            self.ended.set()


def limits() -> Any:
    return ConnectionLimits(head_seconds=SHORT, keep_alive_seconds=SHORT)


async def test_a_websocket_may_begin_on_a_used_connection_and_has_no_time_limit_of_http() -> None:
    async with served(limits(), Echo(), websockets=True) as connect:
        client = await connect()
        await client.say(GOOD)
        assert (await client.head()).startswith(b"HTTP/1.1 200")
        await client.say(HANDSHAKE % (b"/", b"") + FRAME)
        assert (await client.head()).startswith(b"HTTP/1.1 101")
        assert await client.reader.readexactly(4) == b"\x81\x02hi"
        await asyncio.sleep(3 * SHORT)
        await client.say(FRAME)
        assert await client.reader.readexactly(4) == b"\x81\x02hi"


@pytest.mark.parametrize(
    ("path", "fields"),
    [(b"/", b"content-length: 2\r\n"), (b"/", b"transfer-encoding: chunked\r\n")],
)
async def test_a_request_with_a_body_is_not_a_handshake(path: bytes, fields: bytes) -> None:
    body = b"hi" if b"length" in fields else b"2\r\nhi\r\n0\r\n\r\n"
    async with served(ConnectionLimits(), Echo(), websockets=True) as connect:
        client = await connect()
        await client.say(HANDSHAKE % (path, fields) + body)
        assert (await client.head()).startswith(b"HTTP/1.1 200")
        assert await client.reader.readexactly(2) == b"hi"
        await client.say(GOOD)
        assert (await client.head()).startswith(b"HTTP/1.1 200")


async def test_a_handshake_behind_a_running_request_is_an_ordinary_request() -> None:
    async with served(ConnectionLimits(), Echo(), websockets=True) as connect:
        client = await connect()
        await client.say(GOOD.replace(b"/ ", b"/slow ", 1) + HANDSHAKE % (b"/", b"") + GOOD)
        for _ in range(3):
            assert (await client.head()).startswith(b"HTTP/1.1 200")


async def test_a_malformed_handshake_is_refused() -> None:
    async with served(ConnectionLimits(), Echo(), websockets=True) as connect:
        client = await connect()
        await client.say((HANDSHAKE % (b"/", b"")).replace(b"sec-websocket-key", b"x-key"))
        assert (await client.rest()).startswith(b"HTTP/1.1 400")


async def test_a_client_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNREAD_SECONDS", SHORT)
    echo = Echo()
    async with served(ConnectionLimits(), echo, websockets=True) as connect:
        client = await connect()
        await client.say(HANDSHAKE % (b"/flood", b""))
        async with asyncio.timeout(SECONDS):
            await echo.ended.wait()
