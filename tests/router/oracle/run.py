"""Long runs of the oracle: `make fuzz-oracle COUNT=20000 SEED=1`, `python -m tests.router.oracle.run --count 20000`.

Federations are numbered, so any of a run can be had again (`--only`). The same count and seed try the same triples,
on however many processors.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tests.router.oracle.trial import Failed, Tally, failure_of_seed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

# Federations that one process tries in a row: enough that handing them out costs nothing.
BLOCK = 20
# The first federation of a run is this times the run's seed, so that runs do not overlap.
STRIDE = 1_000_000


@dataclass(slots=True)
class Outcome:
    """What a block of federations came to; `failures` holds what it takes to see each again, by number."""

    tally: Tally = field(default_factory=Tally)
    failures: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Block:
    """Federations to try, and what to do with those that fail."""

    first: int
    attempts: int
    folder: Path | None

    def run(self) -> Outcome:
        outcome = Outcome()
        for number in range(self.first, self.first + BLOCK):
            failure = failure_of_seed(number, outcome.tally, attempts=self.attempts)
            if failure is not None:
                outcome.failures[number] = str(failure)
                if self.folder is not None:
                    failure.write(self.folder / str(number))
        return outcome


def outcomes(blocks: Iterator[Block], jobs: int) -> Iterator[Outcome]:
    """The outcomes in order, a few blocks ahead of who asks."""
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        running: deque[Future[Outcome]] = deque(pool.submit(next(blocks).run) for _ in range(2 * jobs))
        try:
            while True:
                outcome = running.popleft().result()
                running.append(pool.submit(next(blocks).run))
                yield outcome
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def show(number: int, attempts: int, folder: Path | None) -> None:
    """Try one federation and print how it fails."""
    failure: Failed | None = failure_of_seed(number, attempts=attempts)
    click.echo(f"federation {number}: {failure or 'no difference'}")
    if failure is not None and folder is not None:
        failure.write(folder / str(number))
    sys.exit(failure is not None)


@click.command()
@click.option("--count", default=20_000, show_default=True, help="How many triples, at least.")
@click.option("--seed", default=1, show_default=True, help="Which federations.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="How many processes.")
@click.option("--most", default=50, show_default=True, help="End after so many federations with a difference.")
@click.option("--attempts", default=400, show_default=True, help="How long a failure is made smaller.")
@click.option("--cases", "folder", type=click.Path(path_type=Path), help="Write each failure there as a case folder.")
@click.option("--only", type=int, help="Try one federation, by its number.")
def main(  # noqa: PLR0917 - one per option
    count: int, seed: int, jobs: int, most: int, attempts: int, folder: Path | None, only: int | None
) -> None:
    """Run generated operations on generated federations through the router and through a monolith, and compare."""
    if only is not None:
        show(only, attempts, folder)
    started, tally, different = time.monotonic(), Tally(), 0
    firsts = iter(range(seed * STRIDE, (seed + 1) * STRIDE, BLOCK))
    for outcome in outcomes((Block(first, attempts, folder) for first in firsts), jobs):
        tally.add(outcome.tally)
        for number, text in outcome.failures.items():
            different += 1
            click.echo(f"federation {number}: {text}\n")
        if tally.triples >= count or different >= most:
            break
    for item, times in sorted(tally.vocabulary.items(), key=lambda entry: entry[1]):
        click.echo(f"{times / tally.federations:7.1%}  {item}")
    click.echo(
        f"seed {seed}: {tally.triples} triples of {tally.federations} federations, {different} federations with a "
        f"difference, {time.monotonic() - started:.0f} s"
    )
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
