"""Long runs of the comparison of compiled plans with the interpreter: `make fuzz-compiled COUNT=50000 SEED=1`."""

from __future__ import annotations

import sys
import time
from random import Random

import click

from tests.router.oracle.choices import SeededChoices
from tests.router.oracle.comparison import ComposedFederation
from tests.router.oracle.compiled_comparison import CompiledDifference, CompiledTally, check_compiled
from tests.router.oracle.federation_generator import generate_federation
from tests.router.oracle.monolith import ResponseTooLarge
from tests.router.oracle.operation_generator import generate_operation
from tests.router.oracle.trial import OPERATIONS, plans_of

STRIDE = 1_000_000


def check_seed(seed: int, tally: CompiledTally) -> None:
    """Generate one federation, and compare all of its operations and data sets.

    Raises:
        CompiledDifference: the results differ.
    """
    choices = SeededChoices(seed)
    generated = generate_federation(choices)
    federation = ComposedFederation.of(generated)
    random = Random(seed)
    for _ in range(OPERATIONS):
        operation = generate_operation(choices, federation.merged)
        if operation is None:
            continue
        for planned in plans_of(federation, operation, defer=False):
            for data in generated.datasets:
                each = ComposedFederation(
                    federation.merged, federation.rules, federation.supergraph, data, federation.labels
                )
                check_compiled(each, operation, planned, random, tally)


@click.command()
@click.option("--count", default=50_000, show_default=True, help="Minimum number of executions.")
@click.option("--seed", default=1, show_default=True, help="Number of the run; it determines the federations.")
@click.option("--only", type=int, help="Compare one federation, by its number.")
@click.option("--most", default=10, show_default=True, help="Stop after so many federations with a difference.")
def main(count: int, seed: int, only: int | None, most: int) -> None:
    """Compare compiled plans with the interpreter on generated federations, with faults in their responses."""
    tally, started, failing, number = CompiledTally(), time.monotonic(), 0, seed * STRIDE if only is None else only
    while tally.executions < count and failing < most:
        try:
            check_seed(number, tally)
        except CompiledDifference as difference:
            failing += 1
            click.echo(f"federation {number}: {difference}\n")
        except ResponseTooLarge:
            pass
        number += 1
        if only is not None:
            break
    for reason, times in tally.reasons.most_common():
        click.echo(f"{times:7}  {reason}")
    free = tally.error_free
    click.echo(
        f"{tally.executions} executions, {failing} federations with a difference; compiled path in "
        f"{free[True]} of {free.total()} executions without errors, in {tally.extra_fields[True]} of "
        f"{tally.extra_fields.total()} with extra fields; {time.monotonic() - started:.0f} s"
    )
    sys.exit(failing > 0)


if __name__ == "__main__":
    main()
