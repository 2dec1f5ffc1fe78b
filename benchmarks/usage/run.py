"""`python -m benchmarks.usage.run [--operations 100000]` prints the table; `make bench` too.

It measures what recording adds to a request: the two methods of the stage that run for each request, with a context of
a real request. Then it fills a store with distinct operations, and measures the reports. All times are
processor time of the process, including its threads, so that other work on the machine does not count.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from router.cli import command
from router.gateway import Gateway
from router.pipeline.request_context import RequestContext
from router.policies.usage_recording import UsageRecording
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from router.usage.open_store import open_store
from router.usage.usage_data import MINUTE, Client, Counts, RecordedOperation, UsageBatch, operation_id
from tests.router.policies.test_usage_recording import FILTERED, INPUTS
from tests.router.shop import Shop

if TYPE_CHECKING:
    from router.request.request_and_response import GraphQLResponse

ROUNDS: Final = 15
REQUESTS: Final = 20_000
BOUND_MICROSECONDS: Final = 3.0
BOUND_SECONDS: Final = 2.0
_BATCH: Final = 10_000
_FIELDS: Final = 20
_CLIENTS: Final = tuple(Client(name, "1") for name in ("web", "ios", "android", "partner"))
_HEADERS: Final = {"apollographql-client-name": "web", "apollographql-client-version": "1.4.2", "accept": "*/*"}


async def _context(gateway: Gateway, request: GraphQLRequest) -> tuple[RequestContext, GraphQLResponse]:
    """Return the context of a request that has run, and its response."""
    context = RequestContext.of(request, 60.0)
    prepared = await gateway.preparation.document(request, context.record)
    context.operation = gateway.preparation.operation(prepared, request, context.record)
    return context, await gateway.execute(request)


async def record_cost(folder: Path, query: str, variables: dict[str, object]) -> float:
    """Return the processor time in microseconds that recording adds to a request."""
    settings = read(f"usage: {{enabled: true, file: {folder / 'cost.sqlite'}}}", {})
    gateway = Gateway.from_supergraph(INPUTS, settings, send=Shop())
    stage = gateway.stages.find(UsageRecording)
    if stage is None:
        raise AssertionError("the settings enable recording")
    context, response = await _context(gateway, GraphQLRequest(query=query, variables=variables, headers=_HEADERS))
    times = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        for _ in range(REQUESTS):
            await stage.on_request(context)
            await stage.on_response(context, response)
        times.append((time.thread_time() - started) / REQUESTS * 1e6)
        await asyncio.sleep(0)
    await gateway.aclose()
    return median(times)


async def fill(file: Path, count: int) -> None:
    """Write `count` distinct operations, each with 20 fields, four clients in turn, on each of two days."""
    store = await open_store(str(file))
    minute = int(time.time()) // MINUTE
    for start in range(0, count, _BATCH):
        batch = UsageBatch(clients=set(_CLIENTS))
        for number in range(start, min(start + _BATCH, count)):
            text = f"query Operation{number} {{ " + " ".join(f"f{(number + n) % 5_000}" for n in range(_FIELDS)) + " }"
            uses = frozenset(f"Query.f{(number + n) % 5_000}" for n in range(_FIELDS))
            each = RecordedOperation(operation_id(text), f"Operation{number}", "query", text, uses)
            batch.operations[each.id] = each
            for day in (0, 1):
                counts = Counts(number % 97 + 1, 0, 0.01)
                counts.buckets[number % 13] = counts.requests
                batch.counts[(minute - day * 1440, each.id, _CLIENTS[(number + day) % 4])] = counts
        await store.write(batch, count)
    await store.close()


def report_seconds(*arguments: str) -> float:
    """Return how long a command of `router usage` takes, without the start of Python."""
    started = time.process_time()
    with redirect_stdout(StringIO()):
        command(["usage", *arguments], standalone_mode=False)
    return time.process_time() - started


@click.command()
@click.option("--operations", type=click.IntRange(min=1), default=100_000, show_default=True)
def main(operations: int) -> None:
    """Print what recording and reports cost. Exit code 1 if one of them is over its bound."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        costs = {
            "without variables": asyncio.run(record_cost(folder, "{ me { id } }", {})),
            "with an input object": asyncio.run(
                record_cost(folder, FILTERED, {"f": {"role": "OWNER", "text": "some text"}})
            ),
        }
        for name, cost in costs.items():
            click.echo(f"recording, {name:22} {cost:8.2f} µs of CPU a request (bound {BOUND_MICROSECONDS:g})")
        file, schema = folder / "usage.sqlite", folder / "schema.graphql"
        asyncio.run(fill(file, operations))
        schema.write_text("type Query { " + " ".join(f"f{n}: Int" for n in range(5_000)) + " }")
        click.echo(f"store of {operations:,} operations: {file.stat().st_size / 1e6:.0f} MB")
        store = ("--store", str(file), "--since", "30d")
        seconds = {
            "report": report_seconds("report", *store),
            "operations": report_seconds("operations", *store, "--coordinate", "Query.f7"),
            "unused": report_seconds("unused", *store, "--schema", str(schema)),
            "coverage": report_seconds("coverage", *store, "--schema", str(schema)),
        }
        for name, taken in seconds.items():
            bound = f" (bound {BOUND_SECONDS:g})" if name == "report" else ""
            click.echo(f"router usage {name:20} {taken:8.2f} s{bound}")
    if max(costs.values()) > BOUND_MICROSECONDS or seconds["report"] > BOUND_SECONDS:
        sys.exit(1)


if __name__ == "__main__":
    main()
