from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from router.transport.remote_text_file import Address, RemoteTextFile, TextFileUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Origin:
    """A server that sends one response after the other, and stores the heads of the requests."""

    def __init__(self, *responses: bytes) -> None:
        self.responses = list(responses)
        self.heads: list[list[str]] = []
        self.url = ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self.responses:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            self.heads.append(head.decode("latin-1").rstrip().split("\r\n"))
            writer.write(self.responses.pop(0))
            await writer.drain()
        writer.close()


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", *headers, f"content-length: {len(body)}", "", "")
    return "\r\n".join(lines).encode() + body


class Opened:
    """Starts origins, and closes them and the files at the end of a test."""

    def __init__(self) -> None:
        self.servers: list[asyncio.Server] = []
        self.files: list[RemoteTextFile] = []

    async def __call__(self, origin: Origin, *, seconds: float = 5.0, **headers: str) -> RemoteTextFile:
        server = await asyncio.start_server(origin, "127.0.0.1", 0)
        self.servers.append(server)
        host, port = server.sockets[0].getsockname()
        file = RemoteTextFile(Address(url=f"http://{host}:{port}/a?b=c", headers=headers, timeout=seconds))
        self.files.append(file)
        return file


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    made = Opened()
    yield made
    for file in made.files:
        file.close()
    for server in made.servers:
        server.close()


async def test_the_text_is_read_with_the_headers_of_the_address(opened: Opened) -> None:
    origin = Origin(response("200 OK", "type Query é".encode()))
    file = await opened(origin, authorization="Bearer t")
    assert await file.read() == "type Query é"
    (head,) = origin.heads
    assert head[0] == "GET /a?b=c HTTP/1.1"
    assert "authorization: Bearer t" in head


async def test_a_document_that_has_not_changed_is_none(opened: Opened) -> None:
    origin = Origin(
        response("200 OK", b"one", 'etag: "1"'), response("304 Not Modified"), response("200 OK", b"two", 'etag: "2"')
    )
    file = await opened(origin)
    assert [await file.read() for _ in range(3)] == ["one", None, "two"]
    assert ['if-none-match: "1"' in head for head in origin.heads] == [False, True, True]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (response("404 Not Found"), "HTTP status 404"),
        (response("302 Found", b"", "location: http://elsewhere/"), "HTTP status 302"),
        (response("200 OK", b"\xff"), "not UTF-8"),
        (b"SSH-2.0\r\n\r\n", "not HTTP/1.1"),
    ],
)
async def test_another_response_is_not_the_document(opened: Opened, reply: bytes, reason: str) -> None:
    file = await opened(Origin(reply))
    with pytest.raises(TextFileUnavailable, match=reason):
        await file.read()


async def test_no_connection_and_no_response_in_time_are_reported(opened: Opened, unused_tcp_port: int) -> None:
    closed = RemoteTextFile(Address(url=f"http://127.0.0.1:{unused_tcp_port}", headers={}, timeout=5.0))
    with pytest.raises(TextFileUnavailable):
        await closed.read()
    silent = await opened(Origin(b"", b""), seconds=0.05)
    with pytest.raises(TextFileUnavailable, match=r"within 0.05 s"):
        await silent.read()
