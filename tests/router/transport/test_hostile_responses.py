"""Responses of a subgraph that is broken or taken over, sent by a scripted server on a real socket.

Covers `servicekit/http1/connection.py` and `router/transport/http.py`. A subgraph that sent 64 MB of headers
stopped the router for 19 seconds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from router.errors import SubgraphMalformedResponse
from router.transport.content_codings import encode
from router.transport.http import LARGE_BODY_BYTES, Endpoint, HttpTransport
from router.transport.interface import SubgraphRequest
from servicekit.http1.connection import MAX_FIELDS, MAX_HEAD_BYTES
from servicekit.http1.pool import PoolLimits
from tests.router.transport.scripted_server import Peer, Script, response, serving

if TYPE_CHECKING:
    from router.transport.interface import SubgraphResponse

QUERY = SubgraphRequest(subgraph="a", operation="{ x }", operation_kind="mutation", body=b'{"query":"{ x }"}')
OK = b'{"data":{"x":1}}'
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
MUCH = 64 * 1024 * 1024
HIDDEN = response(b'{"data":{"x":"hidden"}}')


async def send(script: Script, times: int = 1) -> SubgraphResponse:
    async with serving(script) as server:
        transport = HttpTransport({"a": Endpoint(url=server.url, timeout=20.0, codings=("gzip",))})
        try:
            for _ in range(times - 1):
                await transport.send(QUERY)
            return await transport.send(QUERY)
        finally:
            await transport.aclose()


def endless(first: bytes, part: bytes) -> Script:
    """Send `part` again and again, until the client closes the connection."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(first)
        for _ in range(MUCH // len(part)):
            await peer.reply(part)
        raise AssertionError("the client read everything")

    return script


@pytest.mark.parametrize(
    ("first", "part"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 1_000, id="headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"a: " + b"b" * 900 + b"\r\n", id="large headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\na: ", b"b" * 6_000, id="a header"),
        pytest.param(b"HTTP/1.1 200 OK\r\na", b"a" * 6_000, id="a header's name"),
        pytest.param(b"HTTP/1.1 200 ", b"b" * 6_000, id="a reason"),
        pytest.param(b"", b"\r\n" * 3_000, id="empty lines"),
        pytest.param(b"", b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" * 100, id="interim responses"),
        pytest.param(CHUNKED + b"0\r\n", b"a: b\r\n" * 1_000, id="trailers"),
        pytest.param(CHUNKED + b"0\r\na: ", b"b" * 6_000, id="a trailer"),
        pytest.param(CHUNKED + b"1;", b"b" * 6_000, id="a chunk extension"),
        pytest.param(CHUNKED, b"1;" + b"b" * 900 + b"\r\na\r\n", id="chunk extensions"),
    ],
)
async def test_heads_and_framing_without_end_are_refused(first: bytes, part: bytes) -> None:
    with pytest.raises(SubgraphMalformedResponse) as failed:
        await send(endless(first, part))
    assert f"larger than {MAX_HEAD_BYTES} bytes or {MAX_FIELDS} lines" in (failed.value.detail or "")


async def test_trailer_fields_are_dropped() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(CHUNKED + b"10\r\n" + OK + b"\r\n0\r\nretry-after: 99\r\ncontent-encoding: gzip\r\n\r\n")

    answer = await send(script)
    assert (answer.body, dict(answer.headers)) == (OK, {"transfer-encoding": "chunked"})


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\ntransfer-encoding: chunked\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 16\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\ncontent-length: 0\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\ncontent-length: +16\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\ncontent-length: 16\n\n" + OK,
        b"HTTP/1.1 200 OK\r\na: b\0\r\ncontent-length: 16\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\na: b\r\n content-length: 16\r\n\r\n" + OK,
        b"HTTP/9.9 200 OK\r\ncontent-length: 16\r\n\r\n" + OK,
        CHUNKED + b"-10\r\n" + OK,
        CHUNKED + b"fffffffffffffffff\r\n" + OK,
        b"\x16\x03\x01\x00\x01",
    ],
)
async def test_ambiguous_framing_is_malformed(first: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(first + HIDDEN)

    with pytest.raises(SubgraphMalformedResponse):
        await send(script)


async def test_a_second_response_is_not_that_of_the_next_request() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(response(OK) + HIDDEN)
        await peer.request()

    assert (await send(script, times=2)).body == OK


async def test_many_small_chunks_are_a_body() -> None:
    size = 200_000

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(CHUNKED + b"2\r\naa\r\n" * size + b"0\r\n\r\n")

    assert (await send(script)).body == b"a" * 2 * size


async def test_too_many_values_are_malformed() -> None:
    """The memory and the time that a response needs depend on the number of its values."""
    most = PoolLimits().max_values

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(response(b'{"data":{"x":[' + b"[]," * most + b"1]}}"))

    with pytest.raises(SubgraphMalformedResponse) as failed:
        await send(script)
    assert "JSON values" in (failed.value.detail or "")


async def test_a_large_body_is_decompressed_while_the_event_loop_runs() -> None:
    body = b'{"data":{"x":"' + b"a" * 32_000_000 + b'"}}'
    packed = encode("gzip", body)
    assert len(packed) < LARGE_BODY_BYTES
    turns, done = 0, False

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(response(packed, headers=("content-encoding: gzip",)))

    async def count() -> None:
        nonlocal turns
        while not done:
            await asyncio.sleep(0.001)
            turns += 1

    counting = asyncio.create_task(count())
    answer = await send(script)
    done = True
    await counting
    assert answer.body == body
    assert turns > 10
