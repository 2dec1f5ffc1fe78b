from __future__ import annotations

import asyncio
import json
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from rest_compat.errors import MalformedResponse, RouterTimeout, RouterUnreachable
from rest_compat.graphql_client import CallContext, GraphQLClient, HttpResponse, http_send
from rest_compat.operations import Operation
from servicekit import client_address
from servicekit.http1.pool import PoolLimits
from servicekit.http1.service_client import HttpServiceClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

ME = Operation("me", "Me", "query Me { result: me { id } }")


def client(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> GraphQLClient:
    async def send(_headers: Mapping[str, str], _body: bytes) -> HttpResponse:
        return HttpResponse(status, headers or {}, body)

    return GraphQLClient(send)


async def test_result_and_errors_are_read() -> None:
    errors = [{"message": "no", "extensions": {"code": "FORBIDDEN", "x": 1}}, {"message": "odd"}]
    body = json.dumps({"data": {"result": {"id": "1"}}, "errors": errors}).encode()
    result = await client(200, body, {"retry-after": "3"}).execute(ME, {}, CallContext.starting_now(None))
    assert result.result == {"id": "1"}
    assert [(error.code, error.message) for error in result.errors] == [("FORBIDDEN", "no"), ("", "odd")]
    assert result.rate_headers == {"retry-after": "3"}


async def test_refused_request_is_read_whatever_its_status() -> None:
    result = await client(400, b'{"errors": [{"message": "no"}]}').execute(ME, {}, CallContext.starting_now(None))
    assert (result.result, len(result.errors)) == (None, 1)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"data": []}', b'{"errors": {}}', b"\xff"])
async def test_body_without_a_graphql_response_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedResponse):
        await client(200, body).execute(ME, {}, CallContext.starting_now(None))


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_gateway_error_means_that_the_router_is_unreachable(status: int) -> None:
    with pytest.raises(RouterUnreachable):
        await client(status, b"<html>").execute(ME, {}, CallContext.starting_now(None))


async def test_closed_port_is_unreachable(unused_tcp_port: int) -> None:
    with closing(connections_to(unused_tcp_port)) as connections, pytest.raises(RouterUnreachable):
        await GraphQLClient(http_send(connections)).ping()


def connections_to(port: int) -> HttpServiceClient:
    return HttpServiceClient(f"http://127.0.0.1:{port}/graphql", PoolLimits(), variable="ROUTER_URL")


async def _stalled(router: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
    """Run an operation on a router that ends no response, with a deadline of half a second."""
    started, ended = asyncio.Event(), asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        started.set()
        with suppress(ConnectionError):
            await router(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    deadline = asyncio.get_running_loop().time() + 0.5
    async with server:
        try:
            with closing(connections_to(port)) as connections:
                await GraphQLClient(http_send(connections)).execute(ME, {}, CallContext(None, deadline))
        finally:
            if started.is_set():
                await ended.wait()


async def test_router_that_does_not_respond_is_a_timeout() -> None:
    async def stay_silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client leaves

    with pytest.raises(RouterTimeout):
        await _stalled(stay_silent)


async def test_the_deadline_includes_a_response_that_arrives_byte_by_byte() -> None:
    """Before, each byte started the time again."""

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)  # the drip itself is what the test sends

    with pytest.raises(RouterTimeout):
        await _stalled(drip)


async def test_the_router_learns_how_long_the_client_waits_and_who_it_is() -> None:
    sent: dict[str, str] = {}

    async def send(headers: Mapping[str, str], _body: bytes) -> HttpResponse:
        sent.update(headers)
        return HttpResponse(200, {}, b'{"data": {"result": null}}')

    path = client_address.client_path("127.0.0.1", ["203.0.113.7"], client_address.LOOPBACK)
    with client_address.serving(path):
        await GraphQLClient(send).execute(ME, {}, CallContext("Bearer t", asyncio.get_running_loop().time() + 30))
    assert 20_000 < int(sent["x-request-timeout-ms"]) <= 30_000
    assert sent["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    assert sent["authorization"] == "Bearer t"
