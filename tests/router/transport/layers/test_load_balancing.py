"""The requests to a subgraph are distributed over its servers, and a server that fails is left out for a while."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from router.errors import SubgraphUnreachable
from router.transport.layers.load_balancing import BalancingLayer, EjectionRule, Server
from tests.router.transport.simulation import SimulatedSubgraph, fetch, load, simulate

if TYPE_CHECKING:
    from router.transport.interface import SubgraphRequest, SubgraphResponse

RULE = EjectionRule(failures=5, time=10, longest_time=40)


class Servers:
    """A `Transport` with one simulated server for each name."""

    def __init__(self, **servers: SimulatedSubgraph) -> None:
        self.servers = servers

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Send the request to the server of this name."""
        return await self.servers[request.subgraph].send(request)

    async def aclose(self) -> None:
        """Nothing to close."""

    def balanced(self) -> BalancingLayer:
        """The layer in front of the servers of the subgraph `a`."""
        known = [Server(name, f"http://{name}") for name in self.servers if name != "b"]
        return BalancingLayer(self, {"a": known}, {"a": RULE})

    def count(self, name: str) -> int:
        """The number of requests that a server has received."""
        return self.servers[name].requests.get(name, 0)


def test_equal_servers_get_equally_many_requests() -> None:
    async def run() -> None:
        servers = Servers(x=SimulatedSubgraph(), y=SimulatedSubgraph(), z=SimulatedSubgraph())
        layer = servers.balanced()
        for _ in range(30):
            await layer.send(fetch())
        assert [servers.count(name) for name in "xyz"] == [10, 10, 10]

    simulate(run)


def test_a_slow_server_gets_fewer() -> None:
    async def run() -> None:
        servers = Servers(x=SimulatedSubgraph(), y=SimulatedSubgraph(lambda _time, _random: (0.1, 200)))
        outcomes = await load(servers.balanced(), rate=200, seconds=20)
        assert servers.count("y") < len(outcomes.results) * 0.25

    simulate(run)


def test_a_failing_server_is_ejected_each_time_longer_and_comes_back() -> None:
    async def run() -> None:
        failing = SimulatedSubgraph(lambda time, _random: (0.01, None if time < 45 else 200))
        servers = Servers(x=SimulatedSubgraph(), y=failing)
        layer = servers.balanced()
        with capture_logs() as lines:
            outcomes = await load(layer, rate=100, seconds=120)
        failed = [start for start, _, result in outcomes.results if result != 200]
        assert len(failed) <= 4 * (RULE.failures + 3)  # 0 s, about 10 s, 30 s; requests in flight may fail too
        assert all(start < 45 for start in failed)
        assert servers.count("y") > len(outcomes.results) * 0.2
        assert {(line["event"], line["server"]) for line in lines} == {("server ejected", "http://y")}

    simulate(run)


def test_if_all_servers_are_ejected_all_are_used() -> None:
    async def run() -> None:
        down = SimulatedSubgraph(lambda time, _random: (0.01, None if time < 1 else 200))
        layer = Servers(x=down, y=down).balanced()
        for _ in range(2 * RULE.failures):
            with pytest.raises(SubgraphUnreachable) as caught:
                await layer.send(fetch())
            assert caught.value.subgraph == "a"
        servers: Any = layer.status()["servers"]
        assert [server["ejected"] for server in servers["a"]] == [True, True]
        await asyncio.sleep(1)
        assert (await layer.send(fetch())).status == 200

    simulate(run)


def test_other_subgraphs_are_passed_on() -> None:
    async def run() -> None:
        servers = Servers(x=SimulatedSubgraph(), b=SimulatedSubgraph())
        assert (await servers.balanced().send(fetch("b"))).status == 200
        assert servers.count("b") == 1

    simulate(run)


def test_cancelled_requests_are_not_pending() -> None:
    async def run() -> None:
        servers = Servers(x=SimulatedSubgraph(lambda _time, _random: (9.0, 200)), y=SimulatedSubgraph())
        layer = servers.balanced()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await layer.send(fetch())
        status: Any = layer.status()["servers"]
        assert [server["pending"] for server in status["a"]] == [0, 0]

    simulate(run)
