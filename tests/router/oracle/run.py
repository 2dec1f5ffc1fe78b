"""Long runs of the oracle: `make fuzz-oracle COUNT=20000 SEED=1`, `python -m tests.router.oracle.run --count 20000`.

Federations are numbered, so that `--only` can repeat each. A run with the same count and seed tests the same triples
(federation, operation, data), whatever the number of processes.
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

from tests.router.oracle.trial import TrialFailed, TrialTally, failure_of_seed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

# Federations that one process tests in a row, so that the overhead of distributing them is small.
BLOCK = 20
# The number of a run's first federation is its seed times this, so that runs do not overlap.
STRIDE = 1_000_000


@dataclass(slots=True)
class BlockResult:
    """The counts of a block, and the report of each failure by the number of the federation."""

    tally: TrialTally = field(default_factory=TrialTally)
    failures: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Block:
    """Federations to test. Failures are shrunk in so many `attempts`, and written to `folder`."""

    first: int
    attempts: int
    folder: Path | None

    def run(self) -> BlockResult:
        result = BlockResult()
        for number in range(self.first, self.first + BLOCK):
            failure = failure_of_seed(number, result.tally, attempts=self.attempts)
            if failure is not None:
                result.failures[number] = str(failure)
                if self.folder is not None:
                    failure.write(self.folder / str(number))
        return result


def run_blocks(blocks: Iterator[Block], jobs: int) -> Iterator[BlockResult]:
    """Run blocks in parallel and yield their results in order."""
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        running: deque[Future[BlockResult]] = deque(pool.submit(next(blocks).run) for _ in range(2 * jobs))
        try:
            while True:
                result = running.popleft().result()
                running.append(pool.submit(next(blocks).run))
                yield result
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def show(number: int, attempts: int, folder: Path | None) -> None:
    """Test one federation and print its failure."""
    failure: TrialFailed | None = failure_of_seed(number, attempts=attempts)
    click.echo(f"federation {number}: {failure or 'no difference'}")
    if failure is not None and folder is not None:
        failure.write(folder / str(number))
    sys.exit(failure is not None)


@click.command()
@click.option(
    "--count", default=20_000, show_default=True, help="Minimum number of triples (federation, operation, data)."
)
@click.option("--seed", default=1, show_default=True, help="Number of the run; it determines the federations.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Number of processes.")
@click.option("--most", default=50, show_default=True, help="Stop after so many federations with a difference.")
@click.option("--attempts", default=400, show_default=True, help="Attempts to shrink a failure.")
@click.option(
    "--cases", "folder", type=click.Path(path_type=Path), help="Write each failure to this folder, as a case folder."
)
@click.option("--only", type=int, help="Test one federation, by its number.")
def main(  # noqa: PLR0917 - one per option
    count: int, seed: int, jobs: int, most: int, attempts: int, folder: Path | None, only: int | None
) -> None:
    """Execute generated operations with the router and with a monolith, and compare the responses."""
    if only is not None:
        show(only, attempts, folder)
    started, tally, failing = time.monotonic(), TrialTally(), 0
    firsts = iter(range(seed * STRIDE, (seed + 1) * STRIDE, BLOCK))
    for result in run_blocks((Block(first, attempts, folder) for first in firsts), jobs):
        tally.add(result.tally)
        for number, text in result.failures.items():
            failing += 1
            click.echo(f"federation {number}: {text}\n")
        if tally.triples >= count or failing >= most:
            break
    for item, times in sorted(tally.constructs.items(), key=lambda entry: entry[1]):
        click.echo(f"{times / tally.federations:7.1%}  {item}")
    click.echo(
        f"seed {seed}: {tally.triples} triples of {tally.federations} federations, {failing} federations with a "
        f"difference, {time.monotonic() - started:.0f} s"
    )
    sys.exit(failing > 0)


if __name__ == "__main__":
    main()
