"""Requests that two servers could read in two ways, and fields that must not become headers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from servicekit.http_limits import ConnectionLimits
from tests.servicekit.raw_http import GOOD, served

if TYPE_CHECKING:
    from tests.servicekit.raw_http import Client

pytestmark = pytest.mark.usefixtures("each_server")

CHUNKED = b"POST /head HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
# Hidden in a body; a server that reads it as a request responds to it.
HIDDEN = b"GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"


async def body(client: Client) -> bytes:
    head = await client.head()
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return await client.reader.readexactly(length)


@pytest.mark.parametrize("name", [b"authorization", b"idempotency-key", b"x-any"])
async def test_trailer_fields_are_dropped(name: bytes) -> None:
    """They were merged into the headers (RFC 9110 §6.5.1 forbids it)."""
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        await client.say(CHUNKED + b"1\r\na\r\n0\r\n" + name + b": z\r\n\r\n")
        assert await body(client) == b"host=x|transfer-encoding=chunked"
        await client.say(GOOD.replace(b"/ ", b"/head "))
        assert await body(client) == b"host=x"


@pytest.mark.parametrize(
    "endless",
    [
        pytest.param([b"0\r\n", b"x: " + b"y" * 90 + b"\r\n"], id="trailers"),
        pytest.param([b"0\r\nx: ", b"y" * 100], id="a trailer"),
        pytest.param([b"0\r\n", b"x" * 100], id="the name of a trailer"),
        pytest.param([b"0;", b"x" * 100], id="a chunk extension"),
        pytest.param([b"", b"1;" + b"x" * 90 + b"\r\na\r\n"], id="chunk extensions"),
    ],
)
@pytest.mark.parametrize("at_once", [1, 1_000])
async def test_framing_without_end_gets_431(endless: list[bytes], at_once: int) -> None:
    """Trailers without end filled the memory with 1.5 GB in two seconds."""
    async with served(ConnectionLimits(head_bytes=1_000)) as connect:
        client = await connect()
        await client.say(CHUNKED + endless[0])
        response = asyncio.ensure_future(client.rest())
        sent = 0
        while not response.done():
            assert sent < 3_000_000
            client.writer.write(endless[1] * at_once)
            sent += len(endless[1]) * at_once
            await asyncio.wait([response], timeout=0.001)
        assert response.result().startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("where", ["head", "trailers"])
async def test_the_number_of_fields_is_limited(where: str) -> None:
    lines = b"a: b\r\n" * 50
    head, trailers = (lines, b"") if where == "head" else (b"", lines)
    async with served(ConnectionLimits(head_fields=20)) as connect:
        client = await connect()
        await client.say(CHUNKED[:-2] + head + b"\r\n0\r\n" + trailers + b"\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: %d\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\ncontent-length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: %d\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0, %d\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +%d\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length : %d\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\na: b\r\n content-length: %d\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\na: b\0\r\ncontent-length: %d\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\ncontent-length: %d\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nx: %d\r\n\r\n0\n\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\nx: %d\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\nx: %d\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\nx: %d\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nx: %d\r\n\r\n-1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nx: %d\r\n\r\nffffffffffffffff1\r\n\r\n",
        b'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nx: %d\r\n\r\n0;a="\r\n\r\n',
        b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\nx: %d\r\n\r\n",
    ],
)
async def test_ambiguous_framing_gets_400_and_hides_no_request(head: bytes) -> None:
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        await client.say(head % len(HIDDEN) + HIDDEN)
        response = await client.rest()
        assert response.startswith(b"HTTP/1.1 400 ")
        assert response.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("at_once", [True, False])
async def test_the_body_of_a_request_to_upgrade_is_its_body(protocol: bytes, chunked: bool, at_once: bool) -> None:  # noqa: FBT001  (a parameter of the test)
    """The parser takes it for another protocol, and would take a later read for the next request."""
    framing = b"transfer-encoding: chunked" if chunked else b"content-length: %d" % len(HIDDEN)
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN) if chunked else HIDDEN
    head = (
        b"POST / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: " + protocol + b"\r\n" + framing + b"\r\n\r\n"
    )
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        if at_once:
            await client.say(head + sent + GOOD.replace(b"/ ", b"/head "))
        else:
            await client.say(head)
            await asyncio.sleep(0.02)
            await client.say(sent)
            await client.say(GOOD.replace(b"/ ", b"/head "))
        assert await body(client) == HIDDEN
        assert await body(client) == b"host=x"


async def test_a_request_to_upgrade_without_a_body_is_served() -> None:
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        await client.say(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n" + GOOD)
        assert b" 200 " in await client.head()
        assert b" 200 " in await client.head()


async def test_the_host_of_an_absolute_target_counts() -> None:
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        await client.say(b"GET http://bank.example/head?a HTTP/1.1\r\nhost: x\r\n\r\n")
        assert await body(client) == b"host=bank.example"
