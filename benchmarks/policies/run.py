"""Measures how many microseconds of processor time each policy adds to a cached query.

    python -m benchmarks.policies.run

A gateway in this process answers one query whose document and plan are cached; its subgraph is a function that returns
constant bytes. Each round measures all gateways one after the other, so that a busy machine disturbs all alike; the
table has the median of the differences to a gateway without policies.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from typing import TYPE_CHECKING, Final

import click
import structlog

from router import Gateway
from router.composition import Subgraph, compose
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from router.transport.interface import SubgraphResponse
from servicekit.client_address import LOOPBACK, client_path, serving

if TYPE_CHECKING:
    from router.transport.interface import SubgraphRequest

ROUNDS: Final = 40
REQUESTS: Final = 200

_SCHEMA: Final = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@cost", "@listSize"])
type Query { me: User }
type User @key(fields: "id") {
  id: ID!
  name: String
  accounts(first: Int): [Account!] @listSize(slicingArguments: ["first"], assumedSize: 20)
}
type Account { id: ID! balance: String }
"""
_QUERY: Final = "query Accounts($first: Int) { me { id name accounts(first: $first) { id balance } } }"
_ACCOUNT: Final = {"id": "1", "balance": "12.50"}
_DATA: Final = {"data": {"me": {"id": "1", "name": "Ada", "accounts": [_ACCOUNT] * 10}}}
_HEADERS: Final = {"authorization": "Bearer x", "x-request-id": "r", "apollographql-client-name": "web"}

CASES: Final = {
    "no policy": "limits: {list_items: null}",
    "list items": "",
    "demand control, estimate": "limits: {list_items: null}\n"
    "demand_control: {mode: enforce, max_cost: 1000, measure_responses: false}",
    "demand control, estimate and response": "limits: {list_items: null}\n"
    "demand_control: {mode: enforce, max_cost: 1000}",
    "demand control of subgraphs": "limits: {list_items: null}\n"
    "demand_control: {mode: enforce, subgraph_max_cost: 1000, measure_responses: false}",
    "rate limit by address": "limits: {list_items: null}\nrate_limits: {rules: [{name: a, limit: 1000000000}]}",
    "rate limits, three rules": "limits: {list_items: null}\nrate_limits: {rules: [{name: a, limit: 1000000000},"
    " {name: b, key: [client_name], limit: 1000000000}, {name: c, key: ['header:authorization'], limit: 1000000000}]}",
    "request headers": "limits: {list_items: null}\nheaders: {all: {request: [{propagate: {named: authorization}}]}}",
    "response headers": "limits: {list_items: null}\nheaders: {all: {response: [{propagate: {named: cache-control}}]}}",
}


async def _respond(_request: SubgraphRequest) -> SubgraphResponse:
    return SubgraphResponse.of(_DATA, headers={"cache-control": "max-age=5"})


def _supergraph() -> str:
    composition = compose([Subgraph("accounts", "http://127.0.0.1:1/", _SCHEMA)])
    if composition.supergraph_sdl is None:
        raise SystemExit(str(composition.errors))
    return composition.supergraph_sdl


async def _measure(gateway: Gateway) -> float:
    """Return the microseconds of processor time that one request takes."""
    started = time.process_time()
    for _ in range(REQUESTS):
        await gateway.execute(GraphQLRequest(query=_QUERY, variables={"first": 10}, headers=_HEADERS))
    return (time.process_time() - started) / REQUESTS * 1e6


async def _measure_at_once(gateway: Gateway) -> float:
    """Return the microseconds of processor time of each of 50 equal requests at the same time."""
    request = GraphQLRequest(query=_QUERY, variables={"first": 10})
    started = time.process_time()
    for _ in range(20):
        await asyncio.gather(*(gateway.execute(request) for _ in range(50)))
    return (time.process_time() - started) / 1000 * 1e6


async def _slow(_request: SubgraphRequest) -> SubgraphResponse:
    await asyncio.sleep(0.005)
    return await _respond(_request)


async def _share(sdl: str) -> None:
    """Print what sharing saves."""
    gateways = [
        Gateway.from_supergraph(sdl, read(f"traffic: {{share_operations: {value}}}", {}), send=_slow)
        for value in ("false", "true")
    ]
    found: list[list[float]] = [[], []]
    for _ in range(6):
        for times, gateway in zip(found, gateways, strict=True):
            times.append(await _measure_at_once(gateway))
    executed, shared = (statistics.median(times[1:]) for times in found)
    click.echo(f"50 equal queries at once, each: {executed:.1f} µs executed, {shared:.1f} µs shared")


async def main() -> None:
    """Measure all cases and print a table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    sdl = _supergraph()
    gateways = {name: Gateway.from_supergraph(sdl, read(text, {}), send=_respond) for name, text in CASES.items()}
    found: dict[str, list[float]] = {name: [] for name in CASES}
    with serving(client_path("192.0.2.1", (), LOOPBACK)):
        for gateway in gateways.values():
            await _measure(gateway)
        for _ in range(ROUNDS):
            for name, gateway in gateways.items():
                found[name].append(await _measure(gateway))
    plain = found["no policy"]
    click.echo(f"{'a cached query without policies':45} {statistics.median(plain):7.1f} µs")
    for name, times in found.items():
        if name != "no policy":
            added = statistics.median(one - base for one, base in zip(times, plain, strict=True))
            click.echo(f"{name:45} {added:+7.1f} µs")
    await _share(sdl)


if __name__ == "__main__":
    asyncio.run(main())
