"""`python -m benchmarks.planning.run [--rounds 15] [--federations 40]` prints the table; `make bench` too.

Each round parses and plans every operation again, with planners that have loaded the supergraph. The numbers are
medians of the rounds after the warm-up, in processor time, so that other work on the machine does not count. The
garbage collector is set as in a worker. If `make peers` has installed them, `@apollo/query-planner` (JavaScript) and
`@graphql-hive/router-query-planner` (native) run in turn with ours.
"""

from __future__ import annotations

import gc
import gzip
import json
import shutil
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final, Literal

import click
from graphql import parse

from router.get_operation import get_operation
from router.planner import Planner
from router.supergraph import load
from servicekit.garbage_collection import freeze
from tests.peers.fuzz_plans import FederationSample
from tests.peers.peers import INSTALLED, PeerCrash, Peers, PeerTimeout
from tests.router.planner.adversarial import CASES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from router.supergraph import Supergraph

CORPUS: Final = Path(__file__).parents[3] / "shared" / "corpus" / "plans.json.gz"
PLANNERS: Final[tuple[Literal["apollo", "hive"], ...]] = ("apollo", "hive")
# Enough rounds for Node to compile the planner.
WARM_UP: Final = 10
PEER_SECONDS: Final = 120.0
HARD_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class Workload:
    """A supergraph and operations on it."""

    supergraph: Supergraph
    operations: tuple[str, ...]


@dataclass
class Timings:
    """The seconds for each operation that all planners can plan, by planner."""

    by_planner: dict[str, list[float]] = field(default_factory=dict)
    left_out: int = 0

    def add(self, seconds: dict[str, float]) -> None:
        for planner, one in seconds.items():
            self.by_planner.setdefault(planner, []).append(one)

    def rows(self) -> Iterator[str]:
        ours = self.by_planner["ours"]
        for planner, seconds in self.by_planner.items():
            middle, slow = median(seconds), quantiles(seconds, n=20)[-1]
            ratio = median(one / other for one, other in zip(ours, seconds, strict=True))
            yield (
                f"  {planner:<8} {len(seconds):>5} {middle * 1000:>10.3f} ms {slow * 1000:>10.3f} ms "
                f"{median(ours) / middle:>10.2f} {ratio:>10.2f}"
            )


def recorded() -> Iterator[Workload]:
    """The recorded planning cases, if they are beside the checkout."""
    if not CORPUS.exists():
        return
    corpus = json.loads(gzip.decompress(CORPUS.read_bytes()))
    for name, sdl in corpus["supergraphs"].items():
        operations = tuple(case["query"] for case in corpus["cases"] if case["supergraph"] == name)
        yield Workload(load(sdl), operations)


def generated(count: int) -> Iterator[Workload]:
    """Federations and operations of the oracle."""
    for seed in range(count):
        one = FederationSample.of(seed)
        yield Workload(one.federation.supergraph, tuple(operation.query for operation in one.operations))


def ours(work: Workload, rounds: int) -> list[float]:
    return [_median(act, rounds) for act in map(partial(_planning, Planner(work.supergraph)), work.operations)]


def _planning(planner: Planner, text: str) -> Callable[[], object]:
    schema = planner.supergraph.api_schema
    return lambda: planner.plan(get_operation(schema, parse(text, no_location=True)))


def _median(act: Callable[[], object], rounds: int) -> float:
    act()
    act()
    seconds = []
    gc.collect()
    freeze()
    for _ in range(rounds):
        started = time.process_time()
        act()
        seconds.append(time.process_time() - started)
    return median(seconds)


def theirs(peers: Peers, work: Workload, planner: Literal["apollo", "hive"], rounds: int) -> list[float | None]:
    """The seconds for each operation; None if the planner fails."""
    try:
        responses = peers.plans(work.supergraph.sdl, work.operations, planner, rounds + WARM_UP, PEER_SECONDS)
    except (PeerCrash, PeerTimeout):
        return [None] * len(work.operations)
    return [median(response.seconds[WARM_UP:]) if response.plan is not None else None for response in responses]


def measure(peers: Peers | None, workloads: Iterable[Workload], rounds: int) -> Timings:
    timings = Timings()
    for work in workloads:
        columns: dict[str, Sequence[float | None]] = {"ours": ours(work, rounds)}
        if peers is not None:
            columns |= {planner: theirs(peers, work, planner, rounds) for planner in PLANNERS}
        for row in zip(*columns.values(), strict=True):
            seconds = {name: one for name, one in zip(columns, row, strict=True) if one is not None}
            if len(seconds) == len(columns):
                timings.add(seconds)
            else:
                timings.left_out += 1
    return timings


@click.command()
@click.option("--rounds", default=15, show_default=True, help="Measured rounds for each operation.")
@click.option("--federations", default=40, show_default=True, help="Number of generated federations.")
def main(rounds: int, federations: int) -> None:
    """Measure the planners with recorded and generated operations, and ours with operations that are hard to plan."""
    has_peers = shutil.which("node") is not None and (INSTALLED / ".installed").exists()
    click.echo("  planner      n        median            p95     ours/it  per plan")
    with Peers() as peers:
        for name, workloads in (("recorded cases", recorded()), ("generated federations", generated(federations))):
            timings = measure(peers if has_peers else None, workloads, rounds)
            if timings.by_planner:
                click.echo(f"{name} ({timings.left_out} operations left out that not all planners can plan)")
                click.echo("\n".join(timings.rows()))
    click.echo("operations that are hard to plan, ours only")
    for name, made in CASES.items():
        graph, text = made()
        seconds = _median(_planning(Planner(graph), text), min(rounds, HARD_ROUNDS))
        click.echo(f"  {seconds * 1000:>8.1f} ms  {name}")


if __name__ == "__main__":
    main()
