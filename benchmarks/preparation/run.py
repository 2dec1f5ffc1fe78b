"""`python -m benchmarks.preparation.run [--seconds 5]` prints the table; `make bench` too.

How long a cached operation takes in a worker that is idle, and while operations that take long to prepare are prepared
one after the other: large, but within the default limits. Each of them is new to the worker every time. The subgraphs
are in the process and respond at once, so that waiting is all there is to see. Latencies in processor time of the
process, so that a busy machine does not count: what the preparing thread uses meanwhile is what a request waits for.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from itertools import count
from statistics import quantiles
from typing import TYPE_CHECKING, Final

import click

from router.gateway import Gateway
from router.lifecycle.gateway_generations import freeze
from router.preparation.plans import PlanKey
from router.preparation.preparing_thread import SWITCH_INTERVAL_SECONDS
from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from router.transport.interface import SubgraphResponse
from tests.router.planner.adversarial import aliases, shareable, wide_interface, wide_union
from tests.router.shop import SDL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.supergraph import Supergraph
    from router.transport.interface import SubgraphRequest

LARGE: Final[Mapping[str, Callable[[], tuple[Supergraph, str]]]] = {
    "a thousand aliases": lambda: aliases(1000),
    "a union of 500 types": lambda: wide_union(500),
    "an interface of 300 types": lambda: wide_interface(300),
    "3,000 fields in two of twelve subgraphs": lambda: shareable(3000, 2),
}
CACHED: Final = "{ me { name orders { id amount } } }"
RESPONSES: Final[Mapping[str, Mapping[str, object]]] = {
    "people": {"data": {"me": {"__typename": "User", "id": "1", "name": "Ada"}}},
    "orders": {"data": {"_entities": [{"orders": [{"id": "7", "amount": "0.10"}, {"id": "8", "amount": "2"}]}]}},
}
UNHURRIED: Final = read("planner: {deadline: 60s}", {})
"""Settings with which a busy machine plans as an idle one does."""
PAUSE_SECONDS: Final = 0.002
BOUND_SECONDS: Final = 0.05


async def respond(request: SubgraphRequest) -> SubgraphResponse:
    """What the subgraphs of the cached operation respond."""
    return SubgraphResponse.of(RESPONSES[request.subgraph])


async def latencies(seconds: float) -> list[float]:
    """Of the cached operation, asked for again and again."""
    gateway = Gateway.from_supergraph(SDL, send=respond)
    request = GraphQLRequest(query=CACHED)
    await gateway.execute(request)
    found = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.process_time()
        await asyncio.sleep(0)  # what a request does first: it comes in by the event loop
        await gateway.execute(request)
        found.append(time.process_time() - started)
        await asyncio.sleep(PAUSE_SECONDS)
    return found


async def prepare_forever(gateway: Gateway, query: str, prepared: list[float]) -> None:
    """Prepare an operation that the gateway does not know, again and again; the seconds of each."""
    for number in count():
        started = time.perf_counter()
        request, record = GraphQLRequest(query=f"query Q{number} {query}"), RequestRecord()
        document = await gateway.preparation.document(request, record)
        operation = gateway.preparation.operation(document, request, record)
        await gateway.preparation.plan(operation, PlanKey(document.text, None), record)
        prepared.append(time.perf_counter() - started)


async def while_preparing(graph: Supergraph, query: str, seconds: float) -> tuple[list[float], list[float]]:
    """Latencies of the cached operation, and the seconds that each preparation took."""
    gateway, prepared = Gateway.from_supergraph(graph.sdl, UNHURRIED, send=respond), list[float]()
    task = asyncio.create_task(prepare_forever(gateway, query, prepared))
    try:
        return await latencies(seconds), prepared
    finally:
        task.cancel()
        await asyncio.wait([task])


def row(name: str, found: list[float], prepared: list[float]) -> str:
    cuts = quantiles(found, n=1000)
    over = sum(one > BOUND_SECONDS for one in found)
    mean = f"{sum(prepared) / len(prepared) * 1000:>9.0f} ms" if prepared else f"{'':>12}"
    times = "".join(f"{one * 1000:>9.1f} ms" for one in (cuts[499], cuts[989], max(found)))
    return f"  {name:<42}{mean}{times}{over:>8} of {len(found)}"


@click.command()
@click.option("--seconds", default=5.0, show_default=True, help="How long each row is measured.")
def main(seconds: float) -> None:
    """Time a cached operation while others are prepared."""
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    click.echo(
        f"  {'':<42}{'prepared in':>12}{'p50':>12}{'p99':>12}{'longest':>12}   over {BOUND_SECONDS * 1000:.0f} ms"
    )
    made = {name: make() for name, make in LARGE.items()}
    gc.collect()
    freeze()
    click.echo(row("nothing is prepared", asyncio.run(latencies(seconds)), []))
    for name, (graph, query) in made.items():
        click.echo(row(name, *asyncio.run(while_preparing(graph, query, seconds))))


if __name__ == "__main__":
    main()
