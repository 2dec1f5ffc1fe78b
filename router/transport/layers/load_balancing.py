"""Distribute the requests to a subgraph over several servers.

Each request goes to the server with the fewest running requests of this router. If several servers have equally few,
the server that was used longest ago gets the request. A server that fails several times in a row is ejected: it gets no
requests for a while. Each further ejection lasts longer. If all servers are ejected, all servers get requests.
Otherwise, a wrong or outdated decision of the router could stop all requests.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from router.errors import TransportError
from router.request.security_events import SecurityEvent, report
from router.transport.layers.classify_failed_attempts import is_fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router.transport.interface import SubgraphRequest, SubgraphResponse, Transport


class EjectionRule(msgspec.Struct, frozen=True):
    """The rule by which a server is ejected, after `failures` failed requests in a row.

    The first ejection lasts `time` seconds. Each further ejection lasts twice as long as the one before it, but at most
    `longest_time` seconds.
    """

    failures: int
    time: float
    longest_time: float


class Server(msgspec.Struct):
    """One server of a subgraph. `name` is its name in the transport that sends the requests.

    Attributes:
        label: The address for logs and the status.
        pending: The requests that are running now.
        used: The number of the last request to this server, in the count of all requests of the layer.
        failed: The failed requests in a row.
        ejections: The ejections in a row.
        ejected_until: The end of the last ejection, on the event loop's clock.
    """

    name: str
    label: str
    pending: int = 0
    used: int = 0
    failed: int = 0
    ejections: int = 0
    ejected_until: float = 0.0


class BalancingLayer:
    """A `Transport` that chooses a server for each request to a subgraph in `servers`. Other requests are passed on."""

    def __init__(
        self, inner: Transport, servers: Mapping[str, Sequence[Server]], rules: Mapping[str, EjectionRule]
    ) -> None:
        self._inner = inner
        self._servers = dict(servers)
        self._rules = rules
        self._requests = 0

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`."""
        servers = self._servers.get(request.subgraph)
        if servers is None:
            return await self._inner.send(request)
        clock = asyncio.get_running_loop().time
        server = choose(servers, clock())
        self._requests += 1
        server.used = self._requests
        server.pending += 1
        try:
            response = await self._inner.send(replace(request, subgraph=server.name))
        except TransportError as failure:
            failure.subgraph = request.subgraph
            self._note(request.subgraph, server, clock(), failed=is_fault(failure))
            raise
        else:
            self._note(request.subgraph, server, clock(), failed=is_fault(response))
            return response
        finally:
            server.pending -= 1

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._inner.aclose()

    def inherit(self, previous: BalancingLayer, kept: frozenset[str]) -> None:
        """Take over the servers of the subgraphs in `kept` from the layer before a reload."""
        for name in kept & self._servers.keys() & previous._servers.keys():
            self._servers[name] = previous._servers[name]
        self._requests = previous._requests

    def status(self) -> Mapping[str, object]:
        """Return the servers of each subgraph, with their running requests and whether they are ejected."""
        now = asyncio.get_running_loop().time()
        return {
            "servers": {
                name: [
                    {"url": each.label, "pending": each.pending, "ejected": now < each.ejected_until}
                    for each in servers
                ]
                for name, servers in self._servers.items()
            }
        }

    def _note(self, subgraph: str, server: Server, now: float, *, failed: bool) -> None:
        if not failed:
            server.failed = 0
            if now >= server.ejected_until:
                server.ejections = 0
            return
        server.failed += 1
        rule = self._rules[subgraph]
        if server.failed >= rule.failures and now >= server.ejected_until:
            server.ejected_until = now + min(rule.time * 2**server.ejections, rule.longest_time)
            server.ejections += 1
            server.failed = 0
            report(SecurityEvent.SERVER_EJECTED, subgraph=subgraph, server=server.label)


def choose(servers: Sequence[Server], now: float) -> Server:
    """Return the server for the next request at the time `now`."""
    usable = [server for server in servers if now >= server.ejected_until] or servers
    return min(usable, key=lambda server: (server.pending, server.used))
