"""`python -m benchmarks.preparation.run [--seconds 5]` prints the table; `make bench` too.

It measures how long a cached operation takes while nothing is prepared, and while the worker prepares large operations
one after the other. These are within the default limits and new to the worker each time. The subgraphs respond at once
in the same process, so that the difference is the time for which a request waits. Latencies are processor time of the
process, including that of the preparing thread, so that other work on the machine does not count.
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
from router.preparation.make_and_cache_plans import PlanKey
from router.preparation.preparing_thread import SWITCH_INTERVAL_SECONDS
from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from router.transport.interface import SubgraphResponse
from servicekit.garbage_collection import freeze
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
LONG_DEADLINE: Final = read("planner: {deadline: 60s}", {})
"""Settings with which a busy machine makes the same plans as an idle one."""
PAUSE_SECONDS: Final = 0.002
BOUND_SECONDS: Final = 0.05


async def respond(request: SubgraphRequest) -> SubgraphResponse:
    """The subgraph responses for the cached operation."""
    return SubgraphResponse.of(RESPONSES[request.subgraph])


async def latencies(seconds: float) -> list[float]:
    """The latencies of the cached operation, executed again and again."""
    gateway = Gateway.from_supergraph(SDL, send=respond)
    request = GraphQLRequest(query=CACHED)
    await gateway.execute(request)
    found = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.process_time()
        await asyncio.sleep(0)  # a request arrives through the event loop
        await gateway.execute(request)
        found.append(time.process_time() - started)
        await asyncio.sleep(PAUSE_SECONDS)
    return found


async def prepare_forever(gateway: Gateway, query: str, prepared: list[float]) -> None:
    """Prepare an operation under a new name again and again; append the seconds of each to `prepared`."""
    for number in count():
        started = time.perf_counter()
        request, record = GraphQLRequest(query=f"query Q{number} {query}"), RequestRecord()
        document = await gateway.preparation.document(request, record)
        operation = gateway.preparation.operation(document, request, record)
        await gateway.preparation.plan(operation, PlanKey(document.text, None), record)
        prepared.append(time.perf_counter() - started)


async def while_preparing(graph: Supergraph, query: str, seconds: float) -> tuple[list[float], list[float]]:
    """The latencies of the cached operation, and the seconds of each preparation."""
    gateway, prepared = Gateway.from_supergraph(graph.sdl, LONG_DEADLINE, send=respond), list[float]()
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
@click.option("--seconds", default=5.0, show_default=True, help="Seconds for each row.")
def main(seconds: float) -> None:
    """Measure a cached operation while others are prepared."""
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
