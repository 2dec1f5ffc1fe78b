"""The HTTP/1.1 transport sends requests to a scripted server on a real socket.

Covers `router/transport/http.py`, `servicekit/http1/connection.py` and `servicekit/http1/pool.py`.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from router.errors import SubgraphMalformedResponse, SubgraphTimeout, SubgraphUnreachable
from router.transport.http import Endpoint, HttpTransport
from router.transport.interface import SubgraphRequest
from servicekit.http1.pool import PoolLimits
from tests.router.transport.certificates import self_signed
from tests.router.transport.scripted_server import Peer, Received, Script, ScriptedServer, response, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from router.errors import TransportError

QUERY = SubgraphRequest(subgraph="a", operation="{ x }", body=b'{"query":"{ x }"}')
MUTATION = replace(QUERY, operation_kind="mutation", body=b'{"query":"mutation { x }"}')
OK = b'{"data":{"x":1}}'


class Client:
    """A transport to one server, closed at the end of the test."""

    def __init__(self) -> None:
        self.opened: list[HttpTransport] = []

    def __call__(self, server: ScriptedServer | str, timeout: float = 5.0, **limits: float) -> HttpTransport:
        url = server if isinstance(server, str) else server.url
        endpoint = Endpoint(url=url, timeout=timeout, limits=PoolLimits(**limits))  # type: ignore[arg-type]  # test shorthand
        transport = HttpTransport({"a": endpoint})
        self.opened.append(transport)
        return transport


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    made = Client()
    yield made
    for transport in made.opened:
        await transport.aclose()


def always(reply: bytes) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.reply(reply)

    return script


def once(*parts: bytes) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        for part in parts:
            await peer.reply(part)
            await asyncio.sleep(0)

    return script


async def test_the_request_is_a_post_of_the_operation_with_its_variables_and_headers(client: Client) -> None:
    seen: list[Received] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.reply(response(OK))

    async with serving(script) as server:
        request = SubgraphRequest(
            subgraph="a",
            operation="query Q($v: X) { x(v: $v) }",
            operation_name="Q",
            variables={"v": 1},
            headers={"Authorization": "Bearer t", "x-é": "latin"},
            body=b"the body",
        )
        await client(server).send(request)
    start_line, headers, body = seen[0]
    assert start_line == "POST /graphql HTTP/1.1"
    assert headers["host"] == server.url.split("/")[2]
    assert headers["content-type"] == "application/json"
    assert headers["accept"] == "application/json, application/graphql-response+json"
    assert headers["Authorization"] == "Bearer t"
    assert body == b"the body"


async def test_a_connection_is_used_again(client: Client) -> None:
    async with serving(always(response(OK))) as server:
        transport = client(server)
        for _ in range(5):
            assert (await transport.send(QUERY)).body == OK
        assert server.connections == 1


async def test_a_connection_with_connection_close_is_not_used_again(client: Client) -> None:
    async with serving(always(response(OK, headers=("connection: close",)))) as server:
        transport = client(server)
        await transport.send(QUERY)
        await transport.send(QUERY)
        assert server.connections == 2


async def test_an_idle_connection_is_closed_after_its_timeout(client: Client) -> None:
    async with serving(always(response(OK))) as server:
        transport = client(server, idle_seconds=0.0)
        await transport.send(QUERY)
        await transport.send(QUERY)
        assert server.connections == 2


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(
            (
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n",
                OK[:5],
                b"\r\nb\r\n",
                OK[5:],
                b"\r\n0\r\n\r\n",
            ),
            id="chunked",
        ),
        pytest.param(tuple(bytes([byte]) for byte in response(OK)), id="a byte at a time"),
        pytest.param((b"HTTP/1.1 200 OK\r\n\r\n", OK), id="ends with the connection"),
        pytest.param(
            (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", response(OK)),
            id="informational first",
        ),
        pytest.param((b"HTTP/1.0 200 OK\r\nconnection: close\r\n\r\n" + OK,), id="HTTP/1.0"),
    ],
)
async def test_every_framing_of_a_body_is_read(client: Client, parts: tuple[bytes, ...]) -> None:
    async with serving(once(*parts)) as server:
        answer = await client(server).send(QUERY)
    assert answer.body == OK
    assert "link" not in answer.headers


async def test_a_query_on_a_stale_connection_is_sent_once_more(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(response(OK))
        if peer.number == 1:
            await peer.request()  # the second request arrives, the connection closes without a byte
        else:
            await peer.request()
            await peer.reply(response(OK))

    async with serving(script) as server:
        transport = client(server)
        await transport.send(QUERY)
        assert (await transport.send(QUERY)).body == OK
        assert server.connections == 2


async def test_a_mutation_is_never_sent_twice(client: Client) -> None:
    received = 0

    async def script(peer: Peer) -> None:
        nonlocal received
        await peer.request()
        await peer.reply(response(OK))
        await peer.request()
        received += 1

    async with serving(script) as server:
        transport = client(server)
        await transport.send(QUERY)
        with pytest.raises(SubgraphUnreachable):
            await transport.send(MUTATION)
    assert received == 1
    assert server.connections == 1


async def test_a_query_whose_response_has_begun_is_not_sent_again(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(response(OK))
        await peer.request()
        await peer.reply(b"HTTP/1.1 200 OK\r\ncontent-le")

    async with serving(script) as server:
        transport = client(server)
        await transport.send(QUERY)
        with pytest.raises(SubgraphUnreachable):
            await transport.send(QUERY)
        assert server.connections == 1


async def test_a_request_on_a_new_connection_is_not_sent_again(client: Client) -> None:
    async with serving(once()) as server:
        with pytest.raises(SubgraphUnreachable):
            await client(server).send(QUERY)
        assert server.connections == 1


async def test_a_refused_connection_is_unreachable_and_the_message_names_no_address(
    client: Client, unused_tcp_port: int
) -> None:
    with pytest.raises(SubgraphUnreachable) as raised:
        await client(f"http://127.0.0.1:{unused_tcp_port}/").send(QUERY)
    assert raised.value.code == "SUBREQUEST_HTTP_ERROR"
    assert raised.value.status is None
    assert "127.0.0.1" not in raised.value.message
    assert str(unused_tcp_port) in (raised.value.detail or "")


async def test_a_subgraph_without_endpoint_is_unreachable() -> None:
    with pytest.raises(SubgraphUnreachable, match="could not be reached"):
        await HttpTransport({}).send(QUERY)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + OK,
        b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"dat',
    ],
)
async def test_half_a_body_is_unreachable(client: Client, answer: bytes) -> None:
    async with serving(once(answer)) as server:
        with pytest.raises(SubgraphUnreachable):
            await client(server).send(QUERY)


async def test_a_reset_in_the_middle_is_unreachable(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{")
        peer.reset()

    async with serving(script) as server:
        with pytest.raises(SubgraphUnreachable):
            await client(server).send(QUERY)


async def test_a_hanging_subgraph_times_out_and_its_connection_is_closed(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.request()

    async with serving(script) as server:
        with pytest.raises(SubgraphTimeout) as raised:
            await client(server, timeout=0.05).send(QUERY)
        assert raised.value.code == "GATEWAY_TIMEOUT"
        await asyncio.wait_for(server.closed_by_client.wait(), 30)


async def test_a_trickling_subgraph_times_out_too(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while True:
            await peer.reply(b" ")
            await asyncio.sleep(0.005)

    async with serving(script) as server:
        with pytest.raises(SubgraphTimeout):
            await client(server, timeout=0.05).send(QUERY)


def soon() -> float:
    """Return a deadline long before the timeout of the endpoint."""
    return asyncio.get_running_loop().time() + 0.05


async def test_a_fetch_ends_at_the_deadline_of_its_request(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.request()

    async with serving(script) as server:
        with pytest.raises(SubgraphTimeout) as raised:
            await client(server, timeout=60.0).send(replace(QUERY, deadline=soon()))
        assert raised.value.code == "GATEWAY_TIMEOUT"
        assert "deadline" in (raised.value.detail or "")
        await asyncio.wait_for(server.closed_by_client.wait(), 30)


async def test_a_request_that_waits_for_a_connection_ends_at_its_deadline(client: Client) -> None:
    arrived = asyncio.Event()
    received = 0

    async def script(peer: Peer) -> None:
        nonlocal received
        while True:
            await peer.request()
            received += 1
            arrived.set()

    async with serving(script) as server:
        transport = client(server, timeout=60.0, max_connections=1)
        first = asyncio.create_task(transport.send(QUERY))
        await arrived.wait()
        with pytest.raises(SubgraphTimeout):
            await transport.send(replace(QUERY, deadline=soon()))
        first.cancel()
    assert received == 1


async def test_after_its_deadline_a_request_is_not_sent(client: Client) -> None:
    async with serving(always(response(OK))) as server:
        with pytest.raises(SubgraphTimeout):
            await client(server).send(replace(QUERY, deadline=asyncio.get_running_loop().time()))
        assert server.connections == 0


async def test_the_timeout_of_a_subgraph_counts_before_a_later_deadline(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.request()

    async with serving(script) as server:
        with pytest.raises(SubgraphTimeout, match="in time") as raised:
            await client(server, timeout=0.05).send(replace(QUERY, deadline=asyncio.get_running_loop().time() + 60))
        assert "0.05 s" in (raised.value.detail or "")


async def test_a_cancelled_request_closes_its_connection_and_the_next_one_works(client: Client) -> None:
    arrived = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        arrived.set()
        if peer.number == 1:
            await peer.request()
        await peer.reply(response(OK))

    async with serving(script) as server:
        transport = client(server, max_connections=1)
        task = asyncio.create_task(transport.send(QUERY))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.closed_by_client.wait(), 30)
        assert (await transport.send(QUERY)).body == OK


async def test_requests_beyond_the_bound_wait_in_order(client: Client) -> None:
    release = asyncio.Event()
    order: list[bytes] = []

    async def script(peer: Peer) -> None:
        while True:
            received = await peer.request()
            order.append(received.body)
            await release.wait()
            await peer.reply(response(OK))

    async with serving(script) as server:
        transport = client(server, max_connections=1)
        tasks = [asyncio.create_task(transport.send(replace(QUERY, body=str(index).encode()))) for index in range(4)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        release.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == [b"0", b"1", b"3"]
        assert server.connections == 1


async def test_a_subgraph_that_hangs_does_not_use_up_the_connections_of_another_one_behind_the_same_server() -> None:
    """Before, endpoints of one server shared a pool. `a` and `b` are two paths of one proxy."""
    released = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            if b"hang" in (await peer.request()).body:
                await released.wait()
            await peer.reply(response(OK))

    async with serving(script) as server:
        endpoint = Endpoint(url=server.url, timeout=5.0, limits=PoolLimits(max_connections=1))
        transport = HttpTransport({"a": endpoint, "b": endpoint})
        hanging = asyncio.create_task(transport.send(replace(QUERY, body=b"hang")))
        assert (await transport.send(replace(QUERY, subgraph="b"))).body == OK
        assert not hanging.done()
        released.set()
        await hanging
        await transport.aclose()


async def test_requests_beyond_the_queue_fail_at_once_and_can_be_repeated(client: Client) -> None:
    """Before, any number of requests waited."""
    async with serving(always(response(OK))) as server:
        transport = client(server, max_connections=1, max_waiting=2)
        sent = [asyncio.create_task(transport.send(QUERY)) for _ in range(5)]
        results = await asyncio.gather(*sent, return_exceptions=True)
        refused = [result for result in results if isinstance(result, SubgraphUnreachable)]
        assert [result.retry_after for result in refused] == [1, 1]
        assert (await transport.send(QUERY)).body == OK


async def test_connections_are_bounded_under_load(client: Client) -> None:
    async with serving(always(response(OK))) as server:
        transport = client(server, max_connections=3)
        answers = await asyncio.gather(*(transport.send(QUERY) for _ in range(50)))
        assert len(answers) == 50
        assert server.connections <= 3


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(response(b'{"data":"' + b"x" * 2000 + b'"}'), id="body"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"x-filler: y\r\n" * 200 + b"\r\n", id="headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 2000, id="one endless header"),
    ],
)
async def test_a_response_that_is_too_large_is_malformed(client: Client, answer: bytes) -> None:
    async with serving(once(answer)) as server:
        with pytest.raises(SubgraphMalformedResponse) as raised:
            await client(server, max_response_bytes=1000).send(QUERY)
    assert raised.value.code == "SUBREQUEST_MALFORMED_RESPONSE"
    assert "1000" in (raised.value.detail or "")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another protocol"),
        pytest.param(response(OK, headers=("content-encoding: gzip",)), id="encoded unasked"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", id="upgrade"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", id="two lengths"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", id="length and chunks"
        ),
    ],
)
async def test_what_is_not_http_is_malformed(client: Client, answer: bytes) -> None:
    async with serving(once(answer)) as server:
        with pytest.raises(SubgraphMalformedResponse):
            await client(server).send(QUERY)


async def test_bytes_after_a_response_are_not_the_next_response(client: Client) -> None:
    forged = response(b'{"data":{"x":"forged"}}')

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(response(OK) + (forged if peer.number == 1 else b""))
        await peer.request()

    async with serving(script) as server:
        transport = client(server)
        assert (await transport.send(QUERY)).body == OK
        assert (await transport.send(QUERY)).body == OK
        assert server.connections == 2


async def test_half_a_response_after_a_response_does_not_begin_the_next_one(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(response(OK) + (b"HTTP/1.1 200 OK\r\nx-forged: 1\r\n" if peer.number == 1 else b""))
        await peer.request()

    async with serving(script) as server:
        transport = client(server)
        await transport.send(QUERY)
        assert "x-forged" not in (await transport.send(QUERY)).headers


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "500 Internal Server Error", "302 Found"])
async def test_a_response_of_any_status_and_body_is_passed_on(client: Client, status: str) -> None:
    async with serving(once(response(b"<html>", status=status, headers=("location: http://elsewhere/",)))) as server:
        answer = await client(server).send(QUERY)
    assert (answer.status, answer.body) == (int(status[:3]), b"<html>")


@pytest.mark.parametrize(("status", "kind"), [("200 OK", SubgraphMalformedResponse), ("503 No", SubgraphUnreachable)])
async def test_a_coding_that_was_not_asked_for_is_a_failure(
    client: Client, status: str, kind: type[TransportError]
) -> None:
    reply = response(OK, status=status, headers=("content-encoding: gzip", "retry-after: 3"))
    async with serving(once(reply)) as server:
        with pytest.raises(kind) as raised:
            await client(server).send(QUERY)
    assert (raised.value.status, raised.value.retry_after) == (int(status[:3]), 3 if status == "503 No" else None)


async def test_a_request_without_a_body_is_a_mistake(client: Client) -> None:
    with pytest.raises(ValueError, match="encoded"):
        await client("http://127.0.0.1:1/").send(replace(QUERY, body=None))


async def test_repeated_headers_are_joined(client: Client) -> None:
    async with serving(once(response(OK, headers=("Vary: a", "vary: b")))) as server:
        answer = await client(server).send(QUERY)
    assert answer.headers["vary"] == "a, b"


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "HOST", "connection"])
async def test_a_header_of_the_connection_is_not_sent_twice(client: Client, name: str) -> None:
    """A stage of an embedding program may set any header; a second length would hide a request in the body."""
    async with serving(always(response(OK))) as server:
        with pytest.raises(ValueError, match="belongs to the connection"):
            await client(server).send(replace(QUERY, headers={name: "1"}))


@pytest.mark.parametrize("value", ["a\r\nx-injected: 1", "a\nb", "a\0b"])
async def test_a_header_with_a_line_break_is_refused(client: Client, value: str) -> None:
    async with serving(always(response(OK))) as server:
        request = replace(QUERY, headers={"x": value})
        with pytest.raises(ValueError, match="line break"):
            await client(server).send(request)
        assert server.connections == 0


async def test_closing_fails_requests_in_flight_and_later_ones(client: Client) -> None:
    arrived = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        arrived.set()
        await peer.request()

    async with serving(script) as server:
        transport = client(server)
        task = asyncio.create_task(transport.send(QUERY))
        await arrived.wait()
        await transport.aclose()
        with pytest.raises(SubgraphUnreachable):
            await task
        with pytest.raises(SubgraphUnreachable):
            await transport.send(QUERY)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:1/graphql",
        "ftp://h/",
        "http:///graphql",
        "http://u:p@h/",
        "http://h:99999/",
        "http://h/é",
        "http://h/a b",
    ],
)
def test_a_url_that_is_not_usable_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|Port"):
        HttpTransport({"a": Endpoint(url=url)})


async def test_a_server_with_a_trusted_certificate_is_reached_over_https(tmp_path: Path) -> None:
    server_side, authority = self_signed(tmp_path)
    client_side = ssl.create_default_context(cafile=authority)
    async with serving(always(response(OK)), tls=server_side) as server:
        transport = HttpTransport({"a": Endpoint(url=server.url, tls=client_side)})
        try:
            for _ in range(3):
                assert (await transport.send(QUERY)).body == OK
            assert server.connections == 1
        finally:
            await transport.aclose()


async def test_a_certificate_that_is_not_trusted_is_refused(tmp_path: Path, client: Client) -> None:
    server_side, _ = self_signed(tmp_path)
    async with serving(always(response(OK)), tls=server_side) as server:
        with pytest.raises(SubgraphUnreachable) as raised:
            await client(server).send(QUERY)
    assert "TLS_UNKNOWN_AUTHORITY" in (raised.value.detail or "")


async def test_a_large_request_arrives_whole(client: Client) -> None:
    sizes: list[int] = []

    async def script(peer: Peer) -> None:
        sizes.append(len((await peer.request()).body))
        await peer.reply(response(OK))

    async with serving(script) as server:
        await client(server).send(replace(QUERY, body=b"x" * 5_000_000))
    assert sizes == [5_000_000]
