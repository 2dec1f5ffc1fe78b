"""`python -m benchmarks.start.run [--rounds 5] [--size 200x20]` prints the table; `make bench` too.

It starts `router serve` with large supergraphs: without `cache.folder`, and with a folder in which the supergraph is
known. A start ends when a client has the answer to an operation that needs one fetch. The times are processor time of
the process until then, so that other work on the machine does not count, and the memory is what it then holds. The
speed of the machine is printed too: the time of a loop of 20,000 additions.
"""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from timeit import repeat
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from benchmarks.race.large_federations import chain
from benchmarks.race.processes import RaceError, Running, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES: Final = ("200x20", "100x100")
BODY: Final = json.dumps({"query": '{ s0e0(id: "1") { id name } }'}).encode()
ANSWER: Final = json.dumps({"data": {"s0e0": {"id": "1", "name": "one"}}}).encode()
POLL_SECONDS: Final = 0.02
LIMIT_SECONDS: Final = 300.0


class Start(NamedTuple):
    """The cost of one start: processor time and wall time in seconds, memory in bytes."""

    processor: float
    wall: float
    memory: int


class _Subgraph(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the base class chooses the name
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Write no log lines."""


@contextmanager
def subgraph() -> Iterator[int]:
    """A server that gives the same answer to each request. Yields its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Subgraph)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer_of(port: int, running: Running) -> bytes:
    """The first answer of the router.

    Raises:
        RaceError: The router has ended, or does not answer in time.
    """
    end = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < end and not running.has_ended():
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_SECONDS)
            connection.request("POST", "/graphql", BODY, {"content-type": "application/json"})
            return connection.getresponse().read()
        except OSError:
            time.sleep(POLL_SECONDS)
    raise RaceError(f"the router does not answer: {running.last_lines()}")


def one_start(folder: Path, config: str, *, waits_for: Path | None = None) -> Start:
    """Start the router and stop it after its first answer, or when the folder `waits_for` has a file."""
    port = free_port()
    (folder / "router.yaml").write_text(config)
    command = [sys.executable, "-P", "-m", "router", "serve", "--port", str(port)]
    files = ["--supergraph", str(folder / "supergraph.graphql"), "--config", str(folder / "router.yaml")]
    began = time.perf_counter()
    with Running.start([*command, *files], folder / "log", core=None, discards_output=True) as running:
        answer = answer_of(port, running)
        wall, use = time.perf_counter() - began, running.use()
        if json.loads(answer) != json.loads(ANSWER):
            raise RaceError(f"the router answers {answer!r}")
        while waits_for is not None and not list(waits_for.glob("*.supergraph")):
            time.sleep(POLL_SECONDS)
    return Start(use.processor_seconds, wall, use.memory_bytes)


def measure(size: str, rounds: int) -> None:
    """Print the rows of a federation of SUBGRAPHSxTYPES."""
    subgraphs, types = map(int, size.split("x"))
    with tempfile.TemporaryDirectory() as name, subgraph() as port:
        folder = Path(name)
        text = chain(subgraphs, types).supergraph(port)
        (folder / "supergraph.graphql").write_text(text)
        cached = "cache: {folder: derived}\n"
        one_start(folder, cached, waits_for=folder / "derived")
        configs = {"without a folder": "{}\n", "known in the folder": cached}
        starts: dict[str, list[Start]] = {each: [] for each in configs}
        for _ in range(rounds):
            for each, config in configs.items():
                starts[each].append(one_start(folder, config))
        label = f"{subgraphs} subgraphs × {types} types, {len(text) / 1e6:.1f} MB"  # noqa: RUF001 - the sign is meant
        for each, found in starts.items():
            processor = [one.processor for one in found]
            click.echo(
                f"  {label:<40}{each:<22}{median(processor):>8.2f} s{min(processor):>10.2f} s"
                f"{median(one.wall for one in found):>10.2f} s{median(one.memory for one in found) / 1e6:>8.0f} MB"
            )


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Starts of each kind, in turn.")
@click.option("--size", "sizes", multiple=True, default=SIZES, show_default=True, help="SUBGRAPHSxTYPES")
def main(rounds: int, sizes: tuple[str, ...]) -> None:
    """Measure the time from the start to the first answer."""
    loop = min(repeat("for i in range(20000): i + 1", number=1, repeat=20))
    click.echo(f"  a loop of 20,000 additions takes {loop * 1000:.2f} ms")
    click.echo(f"  {'':<62}{'median':>10}{'least':>12}{'wall':>12}{'memory':>11}")
    for size in sizes:
        measure(size, rounds)


if __name__ == "__main__":
    main()
