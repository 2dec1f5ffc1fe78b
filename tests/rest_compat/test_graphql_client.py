from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from rest_compat.errors import MalformedResponse, RouterTimeout, RouterUnreachable
from rest_compat.graphql_client import GraphQLClient, HttpResponse, http_send
from rest_compat.operations import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

ME = Operation("me", "Me", "query Me { result: me { id } }")


def client(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> GraphQLClient:
    async def send(_headers: Mapping[str, str], _body: bytes) -> HttpResponse:
        return HttpResponse(status, headers or {}, body)

    return GraphQLClient(send)


async def test_result_and_errors_are_read() -> None:
    errors = [{"message": "no", "extensions": {"code": "FORBIDDEN", "x": 1}}, {"message": "odd"}]
    body = json.dumps({"data": {"result": {"id": "1"}}, "errors": errors}).encode()
    result = await client(200, body, {"retry-after": "3"}).execute(ME, {}, None)
    assert result.result == {"id": "1"}
    assert [(error.code, error.message) for error in result.errors] == [("FORBIDDEN", "no"), ("", "odd")]
    assert result.rate_headers == {"retry-after": "3"}


async def test_refused_request_is_read_whatever_its_status() -> None:
    result = await client(400, b'{"errors": [{"message": "no"}]}').execute(ME, {}, None)
    assert (result.result, len(result.errors)) == (None, 1)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"data": []}', b'{"errors": {}}', b"\xff"])
async def test_body_without_a_graphql_response_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedResponse):
        await client(200, body).execute(ME, {}, None)


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_gateway_error_means_that_the_router_is_unreachable(status: int) -> None:
    with pytest.raises(RouterUnreachable):
        await client(status, b"<html>").execute(ME, {}, None)


async def test_closed_port_is_unreachable(unused_tcp_port: int) -> None:
    async with httpx.AsyncClient(trust_env=False) as connections:
        send = http_send(connections, f"http://127.0.0.1:{unused_tcp_port}/graphql")
        with pytest.raises(RouterUnreachable):
            await GraphQLClient(send).ping()


async def test_router_that_does_not_respond_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rest_compat.graphql_client.TIMEOUT_SECONDS", 0.05)
    released = asyncio.Event()

    async def stay_silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, httpx.AsyncClient(trust_env=False) as connections:
        with pytest.raises(RouterTimeout):
            await GraphQLClient(http_send(connections, f"http://127.0.0.1:{port}/graphql")).execute(ME, {}, None)
        released.set()
