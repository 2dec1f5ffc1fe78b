"""Requests to subgraphs go through an HTTP proxy: a separate process, and scripted ones that misbehave.

Covers `router/settings/sections/proxy.py`.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from router.errors import SubgraphTimeout, SubgraphUnreachable
from router.gateway_assembly import transport_for
from router.settings import InvalidSettings, read
from router.transport.interface import SubgraphRequest
from servicekit.http1.http_proxy import bypasses_proxy
from tests.router.shop import GRAPH
from tests.router.transport.certificates import self_signed
from tests.router.transport.scripted_server import Peer, Script, response, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from router.executor.graphql_over_http import EncodingLayer

PROGRAM = Path(__file__).parents[1] / "small_proxy.py"
QUERY = SubgraphRequest(subgraph="people", operation="{ x }", body=b'{"query":"{ x }"}')
OK = b'{"data":{"x":1}}'
SECRET = "p4ss:w0rd é"


class Proxy(NamedTuple):
    """A proxy that runs, and a function that returns the first lines of the requests that it has received."""

    port: int
    process: asyncio.subprocess.Process

    async def received(self) -> list[str]:
        """End the proxy, and return the first lines of its requests."""
        self.process.terminate()
        out, _ = await self.process.communicate()
        return out.decode().splitlines()


@asynccontextmanager
async def proxy(*credentials: str) -> AsyncIterator[Proxy]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), *credentials, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield Proxy(int(await process.stdout.readline()), process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def transport(server: str, port: int, keys: str = "", traffic: str = "") -> AsyncIterator[EncodingLayer]:
    """A transport that reaches `server` through the proxy at `port`. `keys` are further keys of the proxy."""
    text = f"override_subgraph_url: {{people: '{server}'}}\n"
    text += f"traffic: {{all: {{proxy: {{url: 'http://127.0.0.1:{port}'{keys}}}{traffic}}}}}"
    made, _ = transport_for(GRAPH, read(text, {}))
    yield made
    await made.aclose()


class Subgraph:
    """A subgraph that keeps the heads of its requests."""

    def __init__(self) -> None:
        self.heads: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            self.heads.append((request.start_line, request.headers))
            await peer.reply(response(OK))


async def test_the_proxy_forwards_http_requests() -> None:
    subgraph = Subgraph()
    async with serving(subgraph) as server, proxy() as running, transport(server.url, running.port) as sender:
        for _ in range(3):
            assert (await sender.send(QUERY)).body == OK
        assert await running.received() == [f"POST {server.url} HTTP/1.1"], "one connection is used for all"
    assert server.connections == 1
    assert subgraph.heads[0][0] == "POST /graphql HTTP/1.1"
    assert subgraph.heads[0][1]["host"] == server.url.split("/")[2]


async def test_the_proxy_opens_a_tunnel_for_https(tmp_path: Path) -> None:
    tls, authority = self_signed(tmp_path)
    subgraph, trusted = Subgraph(), f", certificate_authority: '{authority}'"
    async with (
        serving(subgraph, tls=tls) as server,
        proxy() as running,
        transport(server.url, running.port, traffic=trusted) as sender,
    ):
        for _ in range(3):
            assert (await sender.send(QUERY)).body == OK
        assert await running.received() == [f"CONNECT {server.url.split('/')[2]} HTTP/1.1"]
    assert subgraph.heads[0][0] == "POST /graphql HTTP/1.1"


async def test_a_certificate_that_is_not_trusted_is_refused_inside_the_tunnel(tmp_path: Path) -> None:
    tls, _ = self_signed(tmp_path)
    subgraph = Subgraph()
    async with (
        serving(subgraph, tls=tls) as server,
        proxy() as running,
        transport(server.url, running.port) as sender,
    ):
        with pytest.raises(SubgraphUnreachable) as failure:
            await sender.send(QUERY)
    assert failure.value.was_sent is False
    assert "certificate" in str(failure.value.detail)
    assert subgraph.heads == []


@pytest.mark.parametrize("has_tls", [False, True])
async def test_the_proxy_gets_the_credentials_and_the_subgraph_does_not(tmp_path: Path, *, has_tls: bool) -> None:
    tls, authority = self_signed(tmp_path)
    subgraph = Subgraph()
    keys = f", username: router, password: '{SECRET}'"
    traffic = f", certificate_authority: '{authority}'"
    async with (
        serving(subgraph, tls=tls if has_tls else None) as server,
        proxy(f"router:{SECRET}") as running,
        transport(server.url, running.port, keys, traffic) as sender,
    ):
        assert (await sender.send(QUERY)).body == OK
    assert "proxy-authorization" not in subgraph.heads[0][1]


@pytest.mark.parametrize(("scheme", "detail"), [("https", "responded 407"), ("http", "407")])
async def test_a_proxy_that_refuses_is_reported(scheme: str, detail: str) -> None:
    keys = ", username: router, password: wrong-password"
    async with proxy("router:right") as running, transport(f"{scheme}://127.0.0.1:9/", running.port, keys) as sender:
        if scheme == "http":
            assert (await sender.send(QUERY)).status == 407
            return
        with pytest.raises(SubgraphUnreachable) as failure:
            await sender.send(QUERY)
    assert failure.value.was_sent is False
    assert detail in str(failure.value.detail)
    assert "wrong-password" not in f"{failure.value.detail} {failure.value}"


def once(reply: bytes) -> Script:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.reply(reply)

    return script


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "responded 502"),
        (b"HTTP/1.1 302 Found\r\nlocation: http://x\r\n\r\n", "responded 302"),
        (b"SSH-2.0-x\r\n\r\n", "not HTTP"),
        (b"HTTP/2 200\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "sent data"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000, "too large"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_is_reported(reply: bytes, detail: str) -> None:
    async with serving(once(reply)) as bad:
        port = int(bad.url.split(":")[2].split("/")[0])
        async with transport("https://127.0.0.1:9/", port) as sender:
            with pytest.raises(SubgraphUnreachable) as failure:
                await sender.send(QUERY)
    assert failure.value.was_sent is False
    assert detail in str(failure.value.detail)


async def test_a_proxy_that_hangs_is_bounded_by_the_timeout() -> None:
    async def hangs(_peer: Peer) -> None:
        await asyncio.Event().wait()

    async with serving(hangs) as bad:
        port = int(bad.url.split(":")[2].split("/")[0])
        async with transport("https://127.0.0.1:9/", port, traffic=", timeout: 100ms") as sender:
            with pytest.raises(SubgraphTimeout):
                await sender.send(QUERY)
        async with transport("https://127.0.0.1:9/", port, traffic=", connect_timeout: 50ms") as sender:
            with pytest.raises(SubgraphUnreachable) as failure:
                await sender.send(QUERY)
    assert "no connection within" in str(failure.value.detail)


async def test_hosts_of_no_proxy_are_called_without_the_proxy() -> None:
    async with serving(Subgraph()) as server, transport(server.url, 9, ", no_proxy: [127.0.0.0/8]") as sender:
        assert (await sender.send(QUERY)).body == OK


async def test_one_subgraph_can_be_called_without_the_proxy() -> None:
    async with serving(Subgraph()) as server:
        text = f"override_subgraph_url: {{people: '{server.url}'}}\n"
        text += "traffic: {all: {proxy: {url: 'http://127.0.0.1:9'}}, subgraphs: {people: {proxy: {url: null}}}}"
        made, _ = transport_for(GRAPH, read(text, {}))
        assert (await made.send(QUERY)).body == OK
        await made.aclose()


@pytest.mark.parametrize(
    ("host", "port", "entry", "expected"),
    [
        ("a.example", 443, "*", True),
        ("a.example", 443, "A.example", True),
        ("a.example", 443, "example", False),
        ("a.example", 443, "a.example:443", True),
        ("a.example", 443, "a.example:80", False),
        ("a.example", 443, ".example", True),
        ("a.b.example", 443, "*.example", True),
        ("example", 443, ".example", True),
        ("badexample", 443, ".example", False),
        ("10.1.2.3", 80, "10.0.0.0/8", True),
        ("11.1.2.3", 80, "10.0.0.0/8", False),
        ("::1", 80, "::1/128", True),
        ("::1", 80, "[::1]:80", True),
        ("10.example", 80, "10.0.0.0/8", False),
    ],
)
def test_an_entry_of_no_proxy_matches(host: str, port: int, entry: str, *, expected: bool) -> None:
    assert bypasses_proxy(host, port, ["other", entry]) is expected
    assert not bypasses_proxy(host, port, [])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("url: 'https://proxy.example'", "the URL of a proxy is http://host:port"),
        ("url: 'http://proxy.example/path'", "the URL of a proxy is http://host:port"),
        ("url: 'http://user:secret@proxy.example'", "a URL carries no credentials"),
        ("url: 'http://proxy.example', username: u", "give both"),
        ("url: 'http://proxy.example', username: 'a:b', password: p", "username"),
        ("no_proxy: [a]", "need `url`"),
        ("url: 'http://proxy.example', no_proxy: ['a, b']", "no_proxy"),
    ],
)
def test_settings_that_cannot_work_are_refused(keys: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message) as failure:
        read(f"traffic: {{all: {{proxy: {{{keys}}}}}}}", {})
    assert "secret" not in str(failure.value)
