"""What `router.yaml` says about traffic, seen from a subgraph on a real socket."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from router.exchange import GraphQLRequest
from router.gateway import Gateway
from router.settings import read
from tests.router.shop import SDL
from tests.router.transport.certificates import self_signed
from tests.router.transport.scripted_server import Peer, Script, ScriptedServer, response, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ADA = response(b'{"data":{"me":{"id":"1"}}}')
ME = GraphQLRequest(query="{ me { id } }")
FOUND = {"data": {"me": {"id": "1"}}}


async def answering(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.reply(ADA)


async def hanging(peer: Peer) -> None:
    await peer.request()
    await peer.request()


def bulky(size: int) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(response(b'{"data":{"me":{"id":"1"}},"extensions":"' + b"x" * size + b'"}'))
        await peer.request()

    return script


@asynccontextmanager
async def behind(script: Script, traffic: str) -> AsyncIterator[tuple[Gateway, ScriptedServer]]:
    """A gateway whose subgraph `people` is a server running `script`."""
    async with serving(script) as server:
        text = f"override_subgraph_url: {{people: '{server.url}'}}\ntraffic: {{{traffic}}}\n"
        gateway = Gateway.from_supergraph(SDL, read(text, {}))
        try:
            yield gateway, server
        finally:
            await gateway.aclose()


async def codes(gateway: Gateway) -> list[str]:
    body: Any = (await gateway.execute(ME)).body
    return [error["extensions"]["code"] for error in body.get("errors", ())]


async def test_a_subgraph_is_where_the_settings_say() -> None:
    async with behind(answering, "") as (gateway, server):
        assert (await gateway.execute(ME)).body == FOUND
        assert server.connections == 1


async def test_without_that_it_is_where_the_supergraph_says() -> None:
    gateway = Gateway.from_supergraph(SDL)
    assert await codes(gateway) == ["SUBREQUEST_HTTP_ERROR"]  # nobody listens there
    await gateway.aclose()


@pytest.mark.parametrize("traffic", ["all: {timeout: 20ms}", "subgraphs: {people: {timeout: 20ms}}"])
async def test_a_subgraph_has_its_time(traffic: str) -> None:
    async with behind(hanging, traffic) as (gateway, _):
        assert await codes(gateway) == ["GATEWAY_TIMEOUT"]


async def test_another_subgraphs_time_is_its_own() -> None:
    async with behind(hanging, "subgraphs: {orders: {timeout: 1ms}, people: {timeout: 50ms}}") as (gateway, _):
        async with asyncio.timeout(5):
            assert await codes(gateway) == ["GATEWAY_TIMEOUT"]


@pytest.mark.parametrize(
    ("traffic", "most"), [("all: {max_connections: 2}", 2), ("subgraphs: {people: {max_connections: 1}}", 1)]
)
async def test_connections_are_bounded(traffic: str, most: int) -> None:
    async with behind(answering, traffic) as (gateway, server):
        await asyncio.gather(*(gateway.execute(ME) for _ in range(20)))
        assert server.connections <= most


@pytest.mark.parametrize(("idle", "connections"), [("50s", 1), ("0.001ms", 3)])
async def test_an_idle_connection_has_its_time(idle: str, connections: int) -> None:
    async with behind(answering, f"all: {{idle_timeout: {idle}}}") as (gateway, server):
        for _ in range(3):
            assert (await gateway.execute(ME)).body == FOUND
        assert server.connections == connections


@pytest.mark.parametrize(("most", "expected"), [(1_000, ["SUBREQUEST_MALFORMED_RESPONSE"]), (10_000, [])])
async def test_an_answer_has_its_size(most: int, expected: list[str]) -> None:
    async with behind(bulky(5_000), f"all: {{max_response_bytes: {most}}}") as (gateway, _):
        assert await codes(gateway) == expected


async def test_https_needs_an_authority_that_vouches_for_the_subgraph(tmp_path: Path) -> None:
    context, authority = self_signed(tmp_path)
    async with serving(answering, tls=context) as server:
        for traffic, expected in (("", ["SUBREQUEST_HTTP_ERROR"]), (f"certificate_authority: {authority}", [])):
            text = f"override_subgraph_url: {{people: '{server.url}'}}\ntraffic: {{all: {{{traffic}}}}}\n"
            gateway = Gateway.from_supergraph(SDL, read(text, {}))
            assert await codes(gateway) == expected
            await gateway.aclose()
