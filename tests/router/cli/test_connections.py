"""The keys of `server` and `limits` that govern clients' connections, seen from a client of `router serve`."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from tests.router.cli.test_cli import SECONDS, serving
from tests.router.shop import SDL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = b'{"query":"{__typename}"}'
GOOD = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
# Small numbers and sizes, so that each limit applies in a test. The times are short only in the tests of these times.
SETTINGS = """
server: {port: 0, http_server: SERVER, keep_alive_requests: 2, max_connections: 20, TIMES}
limits: {url_bytes: 500, header_bytes: 500}
"""
LONG_TIMES = "head_timeout: 60s, keep_alive_timeout: 60s"
SHORT_TIMES = "head_timeout: 300ms, keep_alive_timeout: 400ms"


@contextmanager
def listening(folder: Path, http_server: str, times: str) -> Iterator[int]:
    """The port of a router that listens with this HTTP server."""
    (folder / "supergraph.graphql").write_text(SDL)
    (folder / "router.yaml").write_text(SETTINGS.replace("SERVER", http_server).replace("TIMES", times))
    with serving(folder, "--config", "router.yaml") as running:
        line = running.event("listening")
        assert line["http_server"] == http_server
        yield int(str(line["port"]))


@pytest.fixture(scope="module", params=["built_in", "uvicorn"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with listening(tmp_path_factory.mktemp("router"), request.param, LONG_TIMES) as found:
        yield found


@pytest.fixture(scope="module", params=["built_in", "uvicorn"])
def hasty_port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with listening(tmp_path_factory.mktemp("router"), request.param, SHORT_TIMES) as found:
        yield found


def test_each_http_server_serves_requests(port: int) -> None:
    with connected(port) as client:
        client.sendall(GOOD)
        assert b" 200 " in next_response(client)


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as client:
        yield client


def next_response(client: socket.socket) -> bytes:
    """The next response, complete."""
    received = b""
    while not received.endswith(b"}"):
        received += client.recv(65_536)
    return received


def rest(client: socket.socket) -> bytes:
    """Everything that the router sends until it closes the connection."""
    received = b""
    while data := client.recv(65_536):
        received += data
    return received


def test_a_head_is_limited_in_time(hasty_port: int) -> None:
    with connected(hasty_port) as client:
        client.sendall(GOOD[:30])
        assert rest(client).startswith(b"HTTP/1.1 408 ")


def test_an_idle_connection_is_closed(hasty_port: int) -> None:
    with connected(hasty_port) as client:
        client.sendall(GOOD)
        assert b" 200 " in next_response(client)
        assert rest(client) == b""


def test_a_connection_is_closed_after_a_number_of_requests(port: int) -> None:
    with connected(port) as client:
        client.sendall(GOOD)
        assert b"connection: close" not in next_response(client)
        client.sendall(GOOD)
        assert b"connection: close" in rest(client)


def test_a_new_connection_takes_the_place_of_a_silent_one(port: int) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(port)) for _ in range(20)]
        with connected(port) as client:
            client.sendall(GOOD)
            assert b" 200 " in next_response(client)
        with suppress(ConnectionError):
            assert rest(silent[0]) == b""


def test_a_body_has_one_deadline_with_its_head(tmp_path: Path) -> None:
    """The router itself answers in time; the limit of its connections is a little longer."""
    (tmp_path / "supergraph.graphql").write_text(SDL)
    (tmp_path / "router.yaml").write_text("{server: {port: 0}, traffic: {request_timeout: 300ms}}")
    with serving(tmp_path, "--config", "router.yaml") as running:
        port = int(str(running.event("listening")["port"]))
        with connected(port) as client:
            client.sendall(GOOD[:-1])
            assert rest(client).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(100, 200, id="within the limit"),
        pytest.param(600, 431, id="beyond the limit: a response with an error code"),
        pytest.param(100_000, 431, id="far beyond the limit: a response without a body of the router"),
    ],
)
def test_headers_are_limited_in_size(port: int, size: int, status: int) -> None:
    with connected(port) as client:
        client.sendall(GOOD.replace(b"host: x", b"host: x\r\nconnection: close\r\na: " + b"a" * size))
        received = rest(client)
        assert received.startswith(b"HTTP/1.1 %d " % status)
        assert (b"HEADERS_TOO_LARGE" in received) == (size == 600)
