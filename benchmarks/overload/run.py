"""Measures what the router still does when clients send three times as many requests as its processor can process.

    python -m benchmarks.overload.run

A `router serve` process answers a query with a large response; its subgraph sends constant bytes. Eight clients that
wait for each response show the capacity. Then requests are sent at three times this rate, whether or not earlier ones
have ended, each on its own connection and with the patience of two seconds. The goodput is the number of responses with
200 that arrive in this time for each second of the router's processor time, as a share of the same number without
overload. So other processes on the machine change the result little.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

import click
import psutil

from router.composition import Subgraph, compose

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECONDS: Final = 6.0
PATIENCE: Final = 2.0
CLIENTS: Final = 8
OVERLOAD: Final = 3

_SCHEMA: Final = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
type Query { items: [Item!]! }
type Item { id: ID! name: String! price: Float tags: [String!] }
"""
_ITEM: Final = {"id": "1", "name": "a name of an item", "price": 12.5, "tags": ["one", "two", "three"]}
_RESPONSE: Final = json.dumps({"data": {"items": [_ITEM] * 2_000}}).encode()
_BODY: Final = b'{"query":"{ items { id name price tags } }"}'
_REQUEST: Final = (
    b"POST /graphql HTTP/1.1\r\nhost: router\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)

CASES: Final = {
    "defaults": "",
    "overload.max_requests: 16": "overload: {max_requests: 16}\n",
}


class Outcome(NamedTuple):
    """The status of a response, or why there was none, and the seconds until then."""

    status: str
    seconds: float


class RunningRouter(NamedTuple):
    """The port and the process of a router."""

    port: int
    process: psutil.Process

    def seconds(self) -> float:
        """The processor time so far."""
        used = self.process.cpu_times()
        return used.user + used.system


class Share(NamedTuple):
    """The responses with 200 in a phase of the load, by the second of the clock and of the router's processor."""

    by_clock: float
    by_processor: float


async def _subgraph(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_RESPONSE)
    try:
        while True:
            received = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.partition(b":")[2])
                for line in received.lower().splitlines()
                if line.startswith(b"content-length:")
            )
            await reader.readexactly(length)
            writer.write(head + _RESPONSE)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


@asynccontextmanager
async def _router(folder: Path, settings: str) -> AsyncIterator[RunningRouter]:
    """Run a router in front of the subgraph."""
    subgraph = await asyncio.start_server(_subgraph, "127.0.0.1", 0)
    port = subgraph.sockets[0].getsockname()[1]
    composition = compose([Subgraph("items", f"http://127.0.0.1:{port}/graphql", _SCHEMA)])
    (folder / "supergraph.graphql").write_text(composition.supergraph_sdl or "")
    (folder / "router.yaml").write_text(f"server: {{port: 0}}\ntraffic: {{all: {{share_queries: false}}}}\n{settings}")
    arguments = ("serve", "--supergraph", "supergraph.graphql", "--config", "router.yaml")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "router", *arguments),
        cwd=folder,
        env={**os.environ, "MOSAFE_LOG_FORMAT": "json"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    output = process.stdout
    while (line := json.loads(await output.readline()))["event"] != "listening":
        pass
    reading = asyncio.create_task(_discard(output))
    try:
        yield RunningRouter(int(line["port"]), psutil.Process(process.pid))
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
        reading.cancel()
        subgraph.close()


async def _discard(output: asyncio.StreamReader) -> None:
    while await output.readline():
        pass


async def _ask(port: int) -> Outcome:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(_REQUEST)
                response = await reader.read()
            finally:
                writer.close()
        status = response[9:12].decode() or "closed"
    except TimeoutError:
        status = "no response in time"
    except OSError as error:
        status = type(error).__name__
    return Outcome(status, time.perf_counter() - began)


async def _capacity(router: RunningRouter) -> Share:
    """Return how many requests a second the router answers."""
    end, statuses, used = time.perf_counter() + SECONDS, Counter[str](), router.seconds()

    async def client() -> None:
        while time.perf_counter() < end:
            statuses[(await _ask(router.port)).status] += 1

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return Share(statuses["200"] / SECONDS, statuses["200"] / (router.seconds() - used))


async def _overload(port: int, rate: float) -> list[Outcome]:
    random, outcomes = Random(1), list[Outcome]()  # noqa: S311  (no secret)
    due = time.perf_counter()
    end = due + SECONDS

    async def one() -> None:
        outcomes.append(await _ask(port))

    async with asyncio.TaskGroup() as group:
        while due < end:
            group.create_task(one())
            due += random.expovariate(rate)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
    return outcomes


async def _measure() -> None:
    for name, settings in CASES.items():
        with TemporaryDirectory() as folder:
            async with _router(Path(folder), settings) as router:
                await _ask(router.port)
                capacity = await _capacity(router)
                used = router.seconds()
                outcomes = await _overload(router.port, OVERLOAD * capacity.by_clock)
                used = router.seconds() - used
                after = await _capacity(router)
        answered = sorted(outcome.seconds for outcome in outcomes if outcome.status == "200")
        goodput = len(answered) / used / capacity.by_processor
        p99 = answered[int(len(answered) * 0.99)] if answered else 0.0
        click.echo(
            f"{name:28} capacity {capacity.by_clock:.0f}/s; at {OVERLOAD}x: goodput {goodput:.0%},"
            f" p99 {p99 * 1000:.0f} ms, {dict(Counter(outcome.status for outcome in outcomes))};"
            f" afterwards {after.by_processor / capacity.by_processor:.0%}"
        )


@click.command()
def main() -> None:
    """Measure the goodput of an overloaded router."""
    asyncio.run(_measure())


if __name__ == "__main__":
    main()
