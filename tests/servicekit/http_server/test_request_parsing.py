"""Requests in all kinds of pieces reach the application as from uvicorn; a repeated head is not parsed again.

Covers `servicekit/http_server/request_parsing.py` and `servicekit/http_server/messages.py`.
`tests/servicekit/test_http_requests.py` has the tests of each rule, for both servers.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import httptools
import pytest

from servicekit.http_limits import ConnectionLimits
from tests.servicekit import raw_http
from tests.servicekit.raw_http import GOOD, served

if TYPE_CHECKING:
    from collections.abc import Sequence

POST = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n"
MESSAGES = (
    POST + b"abc",
    POST + b"\r\n\r",
    POST + b"GET",
    b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nabcd",
    b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"POST /a HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 3\r\n\r\nabc",
    GOOD,
    b"\r\n" + GOOD,
)
LAST = b"GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


async def seen(parts: Sequence[bytes]) -> tuple[list[object], int]:
    """The requests that reach an application, and the number of responses."""
    requests: list[object] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        content = b""
        while (message := await receive())["type"] == "http.request":
            content += message["body"]
            if not message["more_body"]:
                break
        requests.append((scope["method"], scope["path"], scope["headers"], content))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with served(ConnectionLimits(), app) as connect:
        client = await connect()
        for part in parts:
            await client.say(part)
            if len(part) == len(POST) + 3:  # so that some requests arrive alone
                await client.head()
                requests.append("a response")
        responses = (await client.rest()).count(b"HTTP/1.1 200 ")
    return requests, responses


@pytest.mark.parametrize("seed", range(40))
async def test_requests_in_pieces_reach_the_application_as_from_uvicorn(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    messages = chance.choices(MESSAGES, k=12)
    parts: list[bytes] = []
    for message in messages:
        kind = chance.random()
        if kind < 0.5 or not parts or len(parts[-1]) == len(POST) + 3:
            parts.append(message)
        elif kind < 0.8:
            cut = chance.randrange(1, len(message))
            parts += (message[:cut], message[cut:])
        else:
            parts[-1] += message
    parts = [part for part in parts if part]
    found = {}
    for server in raw_http.SERVERS:
        monkeypatch.setattr(raw_http, "server_under_test", server)
        found[server] = await seen([*parts, LAST])
    assert found["own"] == found["uvicorn"]
    assert len([each for each in found["own"][0] if each != "a response"]) == 13


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the parsers of our own server read."""
    read: list[bytes] = []
    parser_class = httptools.HttpRequestParser

    class Recording:
        def __init__(self, protocol: object) -> None:
            self._parser = parser_class(protocol)

        def feed_data(self, data: bytes) -> None:
            read.append(data)
            self._parser.feed_data(data)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._parser, name)

    monkeypatch.setattr(httptools, "HttpRequestParser", Recording)
    monkeypatch.setattr(raw_http, "server_under_test", "own")
    return read


async def test_a_repeated_head_is_not_parsed_again(parsed: list[bytes]) -> None:
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        for content in (b"abc", b"def", b"ghi"):
            await client.say(POST + content)
            await client.head()
            assert await client.reader.readexactly(3) == content
        await client.say(POST.replace(b": 3", b": 2") + b"jk")
        await client.head()
    assert parsed == [POST + b"abc", POST.replace(b": 3", b": 2") + b"jk"]


async def test_a_long_head_is_parsed_each_time(parsed: list[bytes]) -> None:
    """The connection does not keep it."""
    long = GOOD.replace(b"host: x", b"host: x\r\na: " + b"b" * 5_000)
    async with served(ConnectionLimits()) as connect:
        client = await connect()
        for _ in range(2):
            await client.say(long)
            await client.head()
    assert parsed == [long, long]
