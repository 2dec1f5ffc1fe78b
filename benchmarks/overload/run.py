"""Measures what the router still does when clients send three times as many requests as its processor can process.

    python -m benchmarks.overload.run                    every case
    python -m benchmarks.overload.run --only defaults    the cases whose name contains "defaults"

The router runs in this process as `router serve` runs it, but on an event loop in virtual time (`virtual_time`), so
that other processes on the machine do not change the result. Its clients and its subgraph talk to it over sockets and
take no time. 32 clients that wait for each response show the capacity. Then requests are sent at three times this
rate, whether or not earlier ones have ended, each on its own connection and with the patience of two seconds. The
goodput is the number of responses with 200 that arrive in time, as a share of the capacity before and afterwards. In
the last cases, 600 clients keep their connections, and repeat each request as soon as it has a response of any status.
"""

from __future__ import annotations

import asyncio
import json
import logging as standard_logging
import os
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, redirect_stdout
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import click
import uvicorn

from benchmarks.overload.virtual_time import VirtualLoop
from router.composition import Subgraph, compose
from router.lifecycle.build_gateway import FileLocations
from router.lifecycle.router_process import RouterProcess
from servicekit import logging
from servicekit.http_limits import ConnectionLimits
from servicekit.http_server.connection import connections
from servicekit.server import Endpoint, bind
from servicekit.settings import ProcessSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

SECONDS: Final = 6.0
PATIENCE: Final = 2.0
CLIENTS: Final = 32
STORM_CLIENTS: Final = 600
OVERLOAD: Final = 3
ITEMS: Final = 2_000

_SCHEMA: Final = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
type Query { items: [Item!]! }
type Item { id: ID! name: String! price: Float tags: [String!] }
"""
_ITEM: Final[dict[str, object]] = {"id": "1", "name": "a name", "price": 12.5, "tags": ["one", "two", "three"]}
_BODY: Final = b'{"query":"{ items { id name price tags } }"}'
_REQUEST: Final = (
    b"POST /graphql HTTP/1.1\r\nhost: router\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n%s"
)
_HEAD_END: Final = b"\r\n\r\n"


class Case(NamedTuple):
    """The settings, the number of items in the response, and whether clients keep their connections and repeat."""

    settings: str = ""
    items: int = ITEMS
    is_storm: bool = False


CASES: Final = {
    "overload.busy_duration: null": Case("overload: {busy_duration: null}\n"),
    "defaults": Case(),
    "defaults, small responses": Case(items=10),
    "overload.max_requests: 16": Case("overload: {max_requests: 16}\n"),
    "defaults, clients that repeat": Case(is_storm=True),
    "defaults, clients that repeat, small responses": Case(items=10, is_storm=True),
}


class Outcome(NamedTuple):
    """The status of a response, or why there was none, and the seconds until then."""

    status: str
    seconds: float


class _Connection(asyncio.Protocol):
    """Collects what arrives, and calls `received` with all bytes of a message that has a length."""

    def __init__(self, received: Callable[[_Connection, bytes], None], ended: Callable[[], None]) -> None:
        self._received, self._ended = received, ended
        self._data = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(_HEAD_END)) >= 0:
            lines = bytes(self._data[:end]).lower().split(b"\r\n")
            lengths = (line.partition(b":")[2] for line in lines if line.startswith(b"content-length:"))
            size = end + len(_HEAD_END) + int(next(lengths, b"0"))
            if len(self._data) < size:
                return
            message = bytes(self._data[:size])
            del self._data[:size]
            self._received(self, message)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._ended()


class Measurement:
    """A running router, and the clients that measure it."""

    def __init__(self, loop: VirtualLoop, port: int) -> None:
        self._loop, self._port = loop, port
        self._closing = _request(closes=True)
        self._keeping = _request(closes=False)

    async def _ask(self) -> Outcome:
        """Send a request on its own connection. This runs in the loop of the peers."""
        loop, began = self._loop.peers, self._loop.time()
        status: asyncio.Future[str] = loop.create_future()

        def received(_connection: _Connection, response: bytes) -> None:
            if not status.done():
                status.set_result(response[9:12].decode())

        def ended() -> None:
            if not status.done():
                status.set_result("closed")

        try:
            async with asyncio.timeout(PATIENCE):
                transport, _ = await loop.create_connection(
                    lambda: _Connection(received, ended), "127.0.0.1", self._port
                )
                try:
                    transport.write(self._closing)
                    result = await status
                finally:
                    transport.abort()
        except TimeoutError:
            result = "no response in time"
        except OSError as error:
            result = type(error).__name__
        return Outcome(result, self._loop.time() - began)

    async def capacity(self) -> float:
        """Return how many requests a second the router answers with 200."""
        end, statuses = self._loop.time() + SECONDS / 2, Counter[str]()

        async def client() -> None:
            while self._loop.time() < end:
                statuses[(await self._ask()).status] += 1

        async def clients() -> None:
            await asyncio.gather(*(client() for _ in range(CLIENTS)))

        await self._loop.run_peer(clients())
        return statuses["200"] / (SECONDS / 2)

    async def open_loop(self, rate: float) -> list[Outcome]:
        """Send `rate` requests a second, whether or not earlier ones have ended."""
        random, outcomes = Random(1), list[Outcome]()  # noqa: S311  (no secret)
        end = self._loop.time() + SECONDS

        async def one() -> None:
            outcomes.append(await self._ask())

        async def send() -> None:
            due = self._loop.time()
            async with asyncio.TaskGroup() as group:
                while due < end:
                    await asyncio.sleep(due - self._loop.time())
                    group.create_task(one())
                    due += random.expovariate(rate)

        await self._loop.run_peer(send())
        return outcomes

    async def storm(self) -> list[Outcome]:
        """Let clients repeat their request on the same connection as soon as it has a response."""
        outcomes, loop = list[Outcome](), self._loop
        end = loop.time() + SECONDS

        async def client() -> None:
            began = loop.time()
            lost: asyncio.Future[None] = loop.peers.create_future()

            def received(connection: _Connection, response: bytes) -> None:
                nonlocal began
                now = loop.time()
                outcomes.append(Outcome(response[9:12].decode(), now - began))
                began = now
                if now < end:
                    connection.transport.write(self._keeping)
                else:
                    connection.transport.close()

            def ended() -> None:
                lost.set_result(None)

            transport, _ = await loop.peers.create_connection(
                lambda: _Connection(received, ended), "127.0.0.1", self._port
            )
            transport.write(self._keeping)
            await lost

        async def clients() -> None:
            await asyncio.gather(*(client() for _ in range(STORM_CLIENTS)))

        await loop.run_peer(clients())
        return outcomes

    async def recovery(self, slowest: float) -> float:
        """Return the seconds until a request gets a response with 200 in at most `slowest` seconds."""
        began, found = self._loop.time(), 0.0

        async def ask() -> None:
            nonlocal found
            outcome = Outcome("", 0)
            while outcome.status != "200" or outcome.seconds > slowest:
                outcome = await self._ask()
            found = self._loop.time() - began - outcome.seconds

        await self._loop.run_peer(ask())
        return found

    async def duration(self) -> float:
        """Return the median duration of a request without other requests."""
        seconds = list[float]()

        async def ask() -> None:
            seconds.extend([(await self._ask()).seconds for _ in range(51)])

        await self._loop.run_peer(ask())
        return sorted(seconds)[25]


def _request(*, closes: bool) -> bytes:
    return _REQUEST % (b"connection: close\r\n" if closes else b"", len(_BODY), _BODY)


@asynccontextmanager
async def _subgraph(loop: VirtualLoop, items: int) -> AsyncIterator[int]:
    """Serve a subgraph in the loop of the peers, and yield its port."""
    body = json.dumps({"data": {"items": [_ITEM] * items}}).encode()
    response = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    servers = list[asyncio.Server]()

    async def serve() -> None:
        servers.append(
            await loop.peers.create_server(
                lambda: _Connection(lambda connection, _: connection.transport.write(response), lambda: None),
                "127.0.0.1",
                0,
            )
        )

    await loop.run_peer(serve())
    try:
        yield servers[0].sockets[0].getsockname()[1]
    finally:
        servers[0].close()


@asynccontextmanager
async def _router(folder: Path, settings: str, subgraph: int, busy_seconds: Callable[[], float]) -> AsyncIterator[int]:
    """Serve a router in front of the subgraph at the port `subgraph`, and yield its port."""
    composition = compose([Subgraph("items", f"http://127.0.0.1:{subgraph}/graphql", _SCHEMA)])
    supergraph, config = folder / "supergraph.graphql", folder / "router.yaml"
    supergraph.write_text(composition.supergraph_sdl or "")
    config.write_text(f"traffic: {{all: {{share_queries: false}}}}\nreload: {{watch: false}}\n{settings}")
    live = RouterProcess(FileLocations(config, str(supergraph), {}))
    live.admission.busy_seconds = busy_seconds
    live.start()
    listener = bind(Endpoint("127.0.0.1", 0, "-"))
    protocol = connections(ConnectionLimits(), live.admission)
    server = uvicorn.Server(
        uvicorn.Config(live.asgi, loop="none", http=protocol, ws="none", log_config=None, access_log=False)
    )
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets=[listener])
    try:
        yield listener.getsockname()[1]
    finally:
        server.config.timeout_graceful_shutdown = 1
        await server.shutdown(sockets=[listener])


async def _measure(loop: VirtualLoop, case: Case) -> str:
    async with AsyncExitStack() as stack:
        subgraph = await stack.enter_async_context(_subgraph(loop, case.items))
        folder = Path(stack.enter_context(TemporaryDirectory()))
        port = await stack.enter_async_context(_router(folder, case.settings, subgraph, loop.clock.busy))
        measurement = Measurement(loop, port)
        await measurement.duration()
        alone = await measurement.duration()
        capacity = await measurement.capacity()
        outcomes = await (measurement.storm() if case.is_storm else measurement.open_loop(OVERLOAD * capacity))
        recovery = await measurement.recovery(2 * alone)
        after = await measurement.capacity()
    answered = sorted(outcome.seconds for outcome in outcomes if outcome.status == "200")
    middle, last = (answered[int(len(answered) * part)] * 1000 if answered else 0.0 for part in (0.5, 0.99))
    capacity = (capacity + after) / 2
    return (
        f"capacity {capacity:.0f}/s; goodput {len(answered) / SECONDS / capacity:.0%}, p50 {middle:.0f} ms,"
        f" p99 {last:.0f} ms, {dict(Counter(outcome.status for outcome in outcomes))};"
        f" as fast as before after {recovery:.2f} s"
    )


@click.command()
@click.option("--only", default="", help="Measure only the cases whose name contains this text.")
def main(only: str) -> None:
    """Measure the goodput of an overloaded router."""
    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing):
        logging.configure("router", ProcessSettings.model_validate({}), in_background=True)
    standard_logging.getLogger("asyncio").setLevel(standard_logging.CRITICAL)
    for name, case in CASES.items():
        if only in name:
            with asyncio.Runner(loop_factory=VirtualLoop) as runner:
                loop = cast("VirtualLoop", runner.get_loop())
                click.echo(f"{name:46} {runner.run(_measure(loop, case))}")


if __name__ == "__main__":
    main()
