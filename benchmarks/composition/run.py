"""`python -m benchmarks.composition.run [--sizes 10,50,100,200] [--types 50]` prints the table; `make bench` too.

It measures processor time, so that other work on the machine does not count, and takes the best of several rounds. The
garbage collector is set as in `router compose`. Apollo's composition runs in turn with ours if `make peers` has
installed it.
"""

from __future__ import annotations

import gc
import math
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.composition.federations import federation, total_fields
from router.cli.tune_garbage_collection_of_composition import expect_long_lived_objects
from router.composition import Subgraph, compose
from tests.peers.peers import INSTALLED, Peers

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
ROUNDS = 3
# Apollo's composition of the largest federation takes about a minute on a slow machine.
PEER_SECONDS = 600.0


def bank() -> list[Subgraph]:
    return [
        Subgraph(name, f"http://{name}.test", (ROOT / "subgraphs" / name / "schema.graphql").read_text("utf-8"))
        for name in ("account", "auth", "transaction")
    ]


def ours(subgraphs: Sequence[Subgraph]) -> float:
    """Seconds of processor time of one composition."""
    gc.collect()
    started = time.process_time()
    composition = compose(subgraphs)
    seconds = time.process_time() - started
    if composition.supergraph_sdl is None:
        raise click.ClickException(f"does not compose: {composition.errors[0].message}")
    return seconds


def best(subgraphs: Sequence[Subgraph], peers: Peers | None, rounds: int) -> tuple[float, float | None]:
    """The best of our rounds and of Apollo's, in turn, after one round of each to warm up."""
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds + 1):
        mine.append(ours(subgraphs))
        if peers is not None:
            theirs.append(peers.compose(subgraphs, PEER_SECONDS).seconds)
    return min(mine[1:]), min(theirs[1:], default=None)


def row(name: str, subgraphs: Sequence[Subgraph], seconds: float, theirs: float | None) -> str:
    fields = total_fields(list(subgraphs))
    per_field = seconds / fields / math.log2(max(fields, 2)) * 1e9
    ratio = f"{theirs * 1000:>10.0f} ms {seconds / theirs:>6.2f}" if theirs else f"{'-':>13} {'-':>6}"
    return f"{name:<12} {fields:>7} {seconds * 1000:>8.0f} ms {ratio} {per_field:>10.0f} ns"


@click.command()
@click.option("--sizes", default="10,50,100,200", show_default=True, help="Numbers of subgraphs.")
@click.option("--types", default=50, show_default=True, help="Types in each subgraph.")
@click.option("--rounds", default=ROUNDS, show_default=True)
def main(sizes: str, types: int, rounds: int) -> None:
    """Time the bank and generated federations."""
    expect_long_lived_objects()
    has_peers = shutil.which("node") is not None and (INSTALLED / ".installed").exists()
    click.echo(f"{'federation':<12} {'fields':>7} {'ours':>11} {'Apollo':>13} {'ratio':>6} {'/ n log n':>13}")
    with Peers() as peers:
        cases = [("bank", bank(), rounds * 5)]
        cases += [(f"{size} x {types}", federation(size, types), rounds) for size in map(int, sizes.split(","))]
        for name, subgraphs, repeated in cases:
            seconds, theirs = best(subgraphs, peers if has_peers else None, repeated)
            click.echo(row(name, subgraphs, seconds, theirs))


if __name__ == "__main__":
    main()
