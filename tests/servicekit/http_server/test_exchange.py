"""What an application sends, and what reaches the client: the same bytes as from uvicorn.

Covers `servicekit/http_server/exchange.py`, `servicekit/http_server/received_request.py`, `response_heads.py` and
`servicekit/http_server/response_flow.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from servicekit.http_limits import ConnectionLimits
from tests.servicekit import raw_http
from tests.servicekit.raw_http import GOOD, served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Application = Callable[[Any, Any, Any], Awaitable[None]]

LAST = GOOD.replace(b"host: x", b"host: x\r\nconnection: close")
LENGTH = (b"content-length", b"4")


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, object]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(part: bytes, *, more: bool = False) -> dict[str, object]:
    return {"type": "http.response.body", "body": part, "more_body": more}


def sends(*messages: dict[str, object]) -> Application:
    async def app(_scope: object, _receive: object, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


async def raises(_scope: object, _receive: object, _send: object) -> None:
    raise ValueError("a bug")


async def raises_after_the_head(_scope: object, _receive: object, send: Any) -> None:
    await send(start(LENGTH))
    raise ValueError("a bug")


async def echoes(scope: Any, receive: Any, send: Any) -> None:
    message = await receive()
    assert not message["more_body"]
    text = repr((scope["method"], scope["path"], scope["raw_path"], scope["query_string"], scope["headers"])).encode()
    await send(start((b"content-length", str(len(text)).encode()), (b"X-Own", b"1")))
    await send(body(text))
    assert (await receive())["type"] == "http.disconnect"


CASES: dict[str, tuple[Application, bytes]] = {
    "a body of known length": (sends(start(LENGTH), body(b"ab", more=True), body(b"cd")), LAST),
    "chunks": (sends(start(), body(b"ab", more=True), body(b"", more=True), body(b"cd")), LAST),
    "chunks without a last part": (sends(start(), body(b"ab", more=True), body(b"")), LAST),
    "chunks that the application announces": (sends(start((b"transfer-encoding", b"chunked")), body(b"ab")), LAST),
    "the head alone": (sends(start(LENGTH), body(b"abcd")), LAST.replace(b"GET", b"HEAD")),
    "no content": (sends(start(status=204), body(b"")), LAST),
    "a status without a name": (sends(start(LENGTH, status=299), body(b"abcd")), LAST),
    "a header of the connection": (sends(start(LENGTH, (b"connection", b"Close")), body(b"abcd")), GOOD),
    "HTTP/1.0": (sends(start(LENGTH), body(b"abcd")), b"GET / HTTP/1.0\r\n\r\n"),
    "a body that is too long": (sends(start(LENGTH), body(b"abcde")), LAST),
    "a body that is too short": (sends(start(LENGTH), body(b"abc")), LAST),
    "a head that comes twice": (sends(start(LENGTH), start(LENGTH)), LAST),
    "a body without a head": (sends(body(b"abcd")), LAST),
    "a message after the end": (sends(start(LENGTH), body(b"abcd"), body(b"")), LAST),
    "an exception": (raises, LAST),
    "an exception after the head": (raises_after_the_head, LAST),
    "no response": (sends(), LAST),
    "half a response": (sends(start(LENGTH)), LAST),
    "an encoded path": (echoes, LAST.replace(b"GET / ", b"GET /%C3%A4/b%2Fc?d=%20&e ")),
    "an absolute target": (echoes, LAST.replace(b"GET / ", b"GET http://y:1/a?b ")),
    "a body and repeated headers": (
        echoes,
        b"POST /a HTTP/1.1\r\nHOST: x\r\nX: 1\r\nx:  2 \r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc",
    ),
    "a target for the whole server": (echoes, LAST.replace(b"GET / ", b"OPTIONS * ")),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_client_gets_the_same_bytes_as_from_uvicorn(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app, sent = CASES[case]
    received = {}
    for server in raw_http.SERVERS:
        monkeypatch.setattr(raw_http, "server_under_test", server)
        async with served(ConnectionLimits(), app) as connect:
            client = await connect()
            await client.say(sent)
            received[server] = re.sub(rb"\r\ndate: [^\r]+", b"", await client.rest())
    assert received["own"] == received["uvicorn"]
    assert received["own"].startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("header", [(b"a", b"b\r\nc: d"), (b"a b", b"c"), (b"", b"a"), (b"a", b"\0")])
async def test_a_header_that_is_not_valid_gets_500(
    header: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_http, "server_under_test", "own")
    async with served(ConnectionLimits(), sends(start(LENGTH, header), body(b"abcd"))) as connect:
        client = await connect()
        await client.say(LAST)
        response = await client.rest()
    assert response.startswith(b"HTTP/1.1 500 ")
    assert b"abcd" not in response
