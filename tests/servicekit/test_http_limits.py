"""Bytes on real sockets, against uvicorn with our protocol."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from structlog.testing import capture_logs

from servicekit.http_limits import ConnectionLimits, LenientTransport, bounded
from servicekit.server import Endpoint, bind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

SHORT = 0.1
SECONDS = 10
GOOD = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
BIG = 8 * 1024 * 1024


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Respond with the request's body; /slow after a pause, /big with more than a socket buffers."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    if scope["path"] == "/slow":
        await asyncio.sleep(2 * SHORT)
    if scope["path"] == "/big":
        body = b"x" * BIG
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> bytes:
        """The head of the next response."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def rest(self) -> bytes:
        """Everything that the server sends until it closes the connection."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.read()


@asynccontextmanager
async def served(limits: ConnectionLimits) -> AsyncIterator[Callable[[], Awaitable[Client]]]:
    listener = bind(Endpoint("127.0.0.1", 0, "-"))
    config = uvicorn.Config(
        app, loop="none", http=bounded(limits), ws="none", lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    clients: list[Client] = []

    async def connect() -> Client:
        clients.append(Client(*await asyncio.open_connection(*listener.getsockname())))
        return clients[-1]

    try:
        yield connect
    finally:
        for client in clients:
            client.writer.close()
        server.force_exit = True
        await server.shutdown(sockets=[listener])


@pytest.mark.parametrize(("sent", "status"), [(GOOD[:10], 408), (b"GET /" + b"x" * 300, 431)])
async def test_a_refused_head_is_logged(sent: bytes, status: int) -> None:
    async with served(ConnectionLimits(head_seconds=SHORT, head_bytes=200)) as connect:
        client = await connect()
        with capture_logs() as lines:
            await client.say(sent)
            await client.rest()
    assert [(line["event"], line["status"]) for line in lines] == [("request head refused", status)]


async def test_a_head_that_does_not_end_gets_408() -> None:
    async with served(ConnectionLimits(head_seconds=SHORT)) as connect:
        client = await connect()
        await client.say(GOOD[:-2])
        response = await client.rest()
        assert response.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"connection: close" in response


async def test_slow_bytes_do_not_extend_the_time() -> None:
    async with served(ConnectionLimits(head_seconds=2 * SHORT)) as connect:
        client = await connect()
        began = asyncio.get_running_loop().time()
        response = asyncio.ensure_future(client.rest())
        while not response.done():
            client.writer.write(b"x")
            await asyncio.wait([response], timeout=SHORT / 5)
        assert asyncio.get_running_loop().time() - began < 10 * SHORT
        assert response.result().startswith(b"HTTP/1.1 4")


async def test_a_later_head_on_the_same_connection_is_limited_too() -> None:
    async with served(ConnectionLimits(head_seconds=SHORT)) as connect:
        client = await connect()
        await client.say(GOOD)
        assert b" 200 " in await client.head()
        await client.say(b"GET /")
        assert (await client.rest()).startswith(b"HTTP/1.1 408 ")


async def test_an_unused_connection_is_closed_without_a_response() -> None:
    async with served(ConnectionLimits(head_seconds=SHORT)) as connect:
        assert await (await connect()).rest() == b""


async def test_a_head_in_time_gets_a_response_and_stays_connected() -> None:
    async with served(ConnectionLimits(head_seconds=SHORT)) as connect:
        client = await connect()
        await client.say(GOOD[:10])
        await client.say(GOOD[10:])
        assert b" 200 " in await client.head()
        await asyncio.sleep(2 * SHORT)  # longer than a head may take, because idle time has its own limit
        await client.say(GOOD)
        assert b" 200 " in await client.head()


async def test_a_body_may_take_longer_than_a_head() -> None:
    async with served(ConnectionLimits(head_seconds=SHORT)) as connect:
        client = await connect()
        await client.say(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\na")
        await asyncio.sleep(2 * SHORT)
        await client.say(b"b")
        assert b" 200 " in await client.head()
        assert await client.reader.readexactly(2) == b"ab"


async def test_half_a_head_after_a_request_does_not_change_its_response() -> None:
    async with served(ConnectionLimits(head_seconds=SHORT)) as connect:
        client = await connect()
        await client.say(GOOD.replace(b"/ ", b"/slow "))
        await client.say(b"GET / HT")
        response = await client.rest()
        assert response.startswith(b"HTTP/1.1 200 ")
        assert response.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("parts", [1, 7])
@pytest.mark.parametrize("where", ["url", "header", "headers", "endless"])
async def test_a_head_that_is_too_large_gets_431(parts: int, where: str) -> None:
    much = b"a" * 3_000
    head = {
        "url": GOOD.replace(b"/ ", b"/" + much + b" "),
        "header": GOOD.replace(b"host: x", b"host: x\r\na: " + much),
        "headers": GOOD.replace(b"host: x", b"host: x" + b"\r\na: bcdefgh" * 200),
        "endless": GOOD[:-2] + b"a: " + much,
    }[where]
    async with served(ConnectionLimits(head_bytes=1_000)) as connect:
        client = await connect()
        size = len(head) // parts + 1
        for start in range(0, len(head), size):
            await client.say(head[start : start + size])
        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


async def test_the_size_of_a_body_does_not_count_for_the_head() -> None:
    async with served(ConnectionLimits(head_bytes=1_000)) as connect:
        client = await connect()
        for _ in range(3):
            await client.say(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n" + b"b" * 5_000)
            assert b" 200 " in await client.head()
            assert len(await client.reader.readexactly(5_000)) == 5_000


async def test_an_endless_head_after_a_request_does_not_change_its_response() -> None:
    async with served(ConnectionLimits(head_bytes=1_000)) as connect:
        client = await connect()
        await client.say(GOOD.replace(b"/ ", b"/slow "))
        await asyncio.sleep(SHORT)
        await client.say(b"GET /" + b"a" * 2_000)
        response = await client.rest()
        assert response.startswith(b"HTTP/1.1 200 ")
        assert response.count(b"HTTP/1.1") == 1


async def test_bytes_that_are_not_http_after_a_request_do_not_change_its_response() -> None:
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        await client.say(GOOD.replace(b"/ ", b"/slow ") + b"\x16\x03\x01\r\n\r\n")
        response = await client.rest()
        assert response.startswith(b"HTTP/1.1 200 ")
        assert response.count(b"HTTP/1.1") == 1


async def test_a_malformed_body_gets_400() -> None:
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        await client.say(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")


async def test_an_idle_connection_is_closed() -> None:
    async with served(ConnectionLimits(keep_alive_seconds=SHORT)) as connect:
        client = await connect()
        await client.say(GOOD)
        assert b" 200 " in await client.head()
        assert await client.rest() == b""


async def test_a_connection_is_closed_after_a_number_of_requests() -> None:
    async with served(ConnectionLimits(keep_alive_requests=2)) as connect:
        client = await connect()
        await client.say(GOOD)
        assert b"connection: close" not in await client.head()
        await client.say(GOOD)
        assert b"connection: close" in await client.head()
        assert await client.rest() == b""


async def test_a_response_that_the_client_does_not_read_is_discarded() -> None:
    async with served(ConnectionLimits(keep_alive_seconds=SHORT)) as connect:
        client = await connect()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # the loop's transports can
        await client.say(GOOD.replace(b"/ ", b"/big "))
        await asyncio.sleep(5 * SHORT)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
        async with asyncio.timeout(SECONDS):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await client.reader.readexactly(BIG)


class Recorded:
    """The methods of a transport that a response needs; a write after closing raises, as in uvloop."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        if self.closed:
            raise RuntimeError("the handler is closed")
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def test_writes_to_a_closed_transport_are_discarded() -> None:
    transport: Any = Recorded()
    connection = LenientTransport(transport)
    connection.write(b"before")
    connection.close()
    connection.write(b"after")
    assert transport.written == [b"before"]
    assert connection.is_closing()
