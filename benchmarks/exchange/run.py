"""Measures the processor time of one exchange with a subgraph, with encoding and decoding.

    python -m benchmarks.exchange.run                           this tree
    python -m benchmarks.exchange.run --base ../main            this tree and another one, in turn

An exchange sends a fetch of 20 entities with `HttpTransport` and decodes an answer of 3 KB into classes, as compiled
plans do. `replay` of the race answers, on another core. The *floor* is the same on a bare connection of the event loop:
it writes bytes that are ready and counts the bytes of the answer, so it has the cost of the kernel, of uvloop and of
one future. User time and system time are those of this process; system time is nearly all that of sockets.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
import msgspec
import uvloop

from benchmarks.race.native_programs import Recorded, Replay, write_recording
from benchmarks.race.processes import ROUTER_CORE, can_pin, free_port
from router import json_codec
from router.transport.http import Endpoint, HttpTransport
from router.transport.interface import SubgraphRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

ROOT: Final = Path(__file__).parents[2]
ENTITIES: Final = 20
WARM_UP: Final = 2_000
OPERATION: Final = (
    "query($representations:[_Any!]!){_entities(representations:$representations)"
    "{...on Product{upc name price weight inStock quantity shippingEstimate}}}"
)
HEAD: Final = f'{{"query":"{OPERATION}","variables":{{"representations":'.encode()
AT_ONCE: Final = (1, 50)
"""How many exchanges run at the same time: one, and as many as clients in the race."""


class _Product(msgspec.Struct):
    upc: str
    name: str
    price: int
    weight: int
    inStock: bool  # noqa: N815 - the name in the schema
    quantity: int
    shippingEstimate: str  # noqa: N815


class _Entities(msgspec.Struct):
    _entities: list[_Product]


class _Answer(msgspec.Struct):
    data: _Entities


_REPRESENTATIONS: Final = [{"__typename": "Product", "upc": f"p{number}"} for number in range(ENTITIES)]


def _answer() -> bytes:
    texts = {"name": "A product whose name is as long as they are", "shippingEstimate": "12.50"}
    numbers = {"price": 1299, "weight": 250, "inStock": True, "quantity": 17}
    entities = [{"upc": f"p{number}", **texts, **numbers} for number in range(ENTITIES)]
    return json.dumps({"data": {"_entities": entities}}, separators=(",", ":")).encode()


class Cost(NamedTuple):
    """Microseconds of one exchange."""

    user: float
    system: float


class _Bare(asyncio.Protocol):
    """Counts the bytes of an answer whose size is known."""

    def __init__(self, size: int) -> None:
        self._size, self._left = size, 0
        self._waiter: asyncio.Future[None] | None = None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def exchange(self, request: bytes) -> asyncio.Future[None]:
        self._left = self._size
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return waiter

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if not self._left and self._waiter is not None:
            self._waiter.set_result(None)


async def _cost(exchanges: int, at_once: int, clients: Sequence[Callable[[], Awaitable[object]]]) -> Cost:
    """The cost of an exchange when `at_once` of them run at the same time."""

    async def repeat(client: Callable[[], Awaitable[object]], count: int) -> None:
        for _ in range(count):
            await client()

    async def all_together(count: int) -> None:
        await asyncio.gather(*(repeat(client, count // at_once) for client in clients))

    await all_together(WARM_UP)
    before = resource.getrusage(resource.RUSAGE_SELF)
    await all_together(exchanges)
    after = resource.getrusage(resource.RUSAGE_SELF)
    done = exchanges // at_once * at_once / 1e6
    return Cost((after.ru_utime - before.ru_utime) / done, (after.ru_stime - before.ru_stime) / done)


async def _measure(port: int, exchanges: int) -> dict[str, Cost]:
    transport = HttpTransport({"products": Endpoint(url=f"http://127.0.0.1:{port}/products")})
    decoder = msgspec.json.Decoder(_Answer)

    async def exchange() -> None:
        body = b"".join((HEAD, json_codec.encode(_REPRESENTATIONS), b"}}"))
        request = SubgraphRequest(subgraph="products", operation=OPERATION, body=body)
        decoder.decode((await transport.send(request)).body)

    body = HEAD + json_codec.encode(_REPRESENTATIONS) + b"}}"
    request = b"POST /products HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    size = await _size_of_answer(port, request)
    found = {}
    for at_once in AT_ONCE:
        found[f"exchange, {at_once} at once"] = await _cost(exchanges, at_once, [exchange] * at_once)
        bare = [await _bare_exchange(port, request, size) for _ in range(at_once)]
        found[f"floor, {at_once} at once"] = await _cost(exchanges, at_once, bare)
    await transport.aclose()
    return found


async def _bare_exchange(port: int, request: bytes, size: int) -> Callable[[], Awaitable[None]]:
    _, bare = await asyncio.get_running_loop().create_connection(lambda: _Bare(size), "127.0.0.1", port)
    return lambda: bare.exchange(request)


async def _size_of_answer(port: int, request: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return len(head) + len(_answer())


def _in_tree(tree: Path, port: int, exchanges: int) -> dict[str, Cost]:
    """Measure with the sources of `tree`, in a process of its own."""
    command = [sys.executable, __file__, "--port", str(port), "--exchanges", str(exchanges)]
    environment = {**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{ROOT}"}
    result = subprocess.run(command, check=True, capture_output=True, env=environment, cwd=tree)  # noqa: S603 - ours
    return {name: Cost(*values) for name, values in json.loads(result.stdout).items()}


def _compare(trees: list[Path], rounds: int, exchanges: int) -> None:
    body = HEAD + json_codec.encode(_REPRESENTATIONS) + b"}}"
    with TemporaryDirectory(prefix="exchange-") as folder:
        recording, port = Path(folder) / "recording", free_port()
        write_recording(recording, [Recorded("/products", body, 200, _answer())])
        with Replay.start(port, recording):
            rows = [{tree: _in_tree(tree, port, exchanges) for tree in trees} for _ in range(rounds)]
    click.echo(f"{'µs of an exchange':<24}{'user':>8}{'system':>8}{'all':>8}{'ratio':>8}")
    for name in rows[0][trees[0]]:
        for tree in trees:
            found = [row[tree][name] for row in rows]
            ratio = median(sum(row[tree][name]) / sum(row[trees[0]][name]) for row in rows)
            user, system = median(each.user for each in found), median(each.system for each in found)
            everything = median(sum(each) for each in found)
            click.echo(f"{name:<24}{user:>8.1f}{system:>8.1f}{everything:>8.1f}{ratio:>8.2f}  {tree.name}")


@click.command()
@click.option("--base", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another tree.")
@click.option("--rounds", default=7, show_default=True, help="How often each tree is measured.")
@click.option("--exchanges", default=20_000, show_default=True, help="Exchanges of each measurement.")
@click.option("--port", type=int, hidden=True)
def main(base: Path | None, rounds: int, exchanges: int, port: int | None) -> None:
    """Measure what an exchange with a subgraph costs."""
    if port is None:
        _compare([*([base.resolve()] if base else []), ROOT], rounds, exchanges)
        return
    if can_pin():
        os.sched_setaffinity(0, {ROUTER_CORE})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        click.echo(json.dumps(runner.run(_measure(port, exchanges))))


if __name__ == "__main__":
    main()
