"""Calls between services over real sockets."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, closing, suppress
from typing import TYPE_CHECKING

import pytest

from servicekit.errors import ConfigurationError
from servicekit.http1.connection import ExchangeFailed
from servicekit.http1.pool import NotConnected, PoolLimits
from servicekit.http1.service_client import HttpServiceClient
from tests.reference_cycles import reference_cycles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RESPONSE = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\nX-Name: value\r\n\r\n{}"


class Server:
    """Answers each request with `response`; closes the connection after the request if there is none."""

    def __init__(self, response: bytes | None = RESPONSE) -> None:
        self.response = response
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0
        self.tasks: list[asyncio.Task[object]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.append(task)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                if self.response is None:
                    break
                writer.write(self.response)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server
        await asyncio.gather(*server.tasks)


def client(port: int, path: str = "") -> HttpServiceClient:
    return HttpServiceClient(f"http://127.0.0.1:{port}{path}", PoolLimits(connect_seconds=1), variable="SERVICE_URL")


@pytest.mark.parametrize(
    ("base", "path", "target"),
    [("", "/a", "/a"), ("/", "/a", "/a"), ("/base/", "/a", "/base/a"), ("/graphql", "", "/graphql"), ("", "", "/")],
)
async def test_a_request_has_path_headers_and_body_and_its_connection_is_used_again(
    base: str, path: str, target: str
) -> None:
    async with serving(Server()) as server:
        with closing(client(server.port, base)) as service:
            for _ in range(2):
                response = await service.post(path, {"x-request-id": "r"}, b"[1]", seconds=5, repeatable=False)
                assert (response.status, response.body, response.headers["x-name"]) == (201, b"{}", "value")
        expected = (
            f"POST {target} HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\ncontent-type: application/json\r\n"
            "content-length: 3\r\nx-request-id: r\r\n\r\n[1]"
        ).encode()
        assert server.requests == [expected, expected]
        assert server.connections == 1


async def test_a_closed_port_is_not_connected(unused_tcp_port: int) -> None:
    with closing(client(unused_tcp_port)) as service, pytest.raises(NotConnected):
        await service.post("/", {}, b"", seconds=5, repeatable=True)


async def test_a_lost_response_is_not_a_missing_connection() -> None:
    """The service may have carried out the request."""
    async with serving(Server(None)) as server:
        with closing(client(server.port)) as service, pytest.raises(ExchangeFailed):
            await service.post("/", {}, b"", seconds=5, repeatable=False)


async def test_a_service_that_does_not_respond_is_a_timeout() -> None:
    async with serving(Server(b"")) as server:
        with closing(client(server.port)) as service, pytest.raises(TimeoutError):
            await service.post("/", {}, b"", seconds=0.05, repeatable=True)


async def test_a_closed_connection_leaves_no_reference_cycles() -> None:
    async with serving(Server()) as server:
        with reference_cycles("servicekit.", "httptools.") as left:
            with closing(client(server.port)) as service:
                await service.post("/", {}, b"", seconds=5, repeatable=True)
            del service
            await asyncio.gather(*server.tasks)
            await asyncio.sleep(0)  # the event loop reports the end of the connection in its next step
        assert left == {}


@pytest.mark.parametrize("value", ["a\r\nx-other: b", "a\nb", "a\0", "☃"])
async def test_a_header_cannot_add_another_header(value: str, unused_tcp_port: int) -> None:
    with closing(client(unused_tcp_port)) as service, pytest.raises(ValueError):  # noqa: PT011 - two kinds of it
        await service.post("/", {"x-name": value}, b"", seconds=5, repeatable=True)


@pytest.mark.parametrize("url", ["ftp://host", "host:80", "http://user:secret@host", "http://host:0"])
def test_a_wrong_url_names_its_variable(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SERVICE_URL") as caught:
        HttpServiceClient(url, PoolLimits(), variable="SERVICE_URL")
    assert "secret" not in str(caught.value)
