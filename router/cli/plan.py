"""`router plan`: print the query plan of an operation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click

from router.cli.mermaid_and_cost_table import cost_table, mermaid
from router.cli.operation_options import print_hints, with_operation_options
from router.executor.compiled.compile_plan import source_of
from router.executor.compiled.response_shape import NotCompilable
from router.get_operation import get_operation
from router.planner import PlanOptions, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from router.cli.operation_options import SelectedOperation
    from router.plan import QueryPlan

FORMATS: Final[Mapping[str, Callable[[QueryPlan], str]]] = {
    "text": lambda planned: planned.to_text(),
    "json": lambda planned: json.dumps(planned.to_json(), indent=2),
    "mermaid": mermaid,
    "cost": cost_table,
}


@click.command("plan")
@with_operation_options
@click.option("--format", "output_format", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option("--batch/--no-batch", default=True, show_default=True, help="Whether entity fetches share requests.")
@click.option("--defer/--no-defer", default=True, show_default=True, help="Whether @defer applies.")
@click.option(
    "--compiled",
    is_flag=False,
    flag_value="",
    metavar="[VARIABLES]",
    help="Print the code that executes the plan. Variables of @skip and @include are false, except for these (a,b).",
)
def command(
    selected: SelectedOperation,
    *,
    output_format: str,
    batch: bool,
    defer: bool,
    compiled: str | None,
) -> None:
    """Print the plan of an operation: as Apollo's text or JSON, as a flowchart, or as a table of costs.

    With --compiled, print the Python code that the router generates for plans that are used often. If the router cannot
    generate code for this plan, the command says why, and the router always interprets the plan.

    If the work budget or the time limit ends the search for a better plan, the command prints a hint to stderr.

    Exit code 0: planned; 1: the operation is invalid, or cannot be planned or compiled; 2: bad usage.
    """
    options = PlanOptions(selected.override_labels, batch, defer and compiled is None, selected.bounds)
    planned = plan(selected.supergraph, selected.document, selected.name, options)
    print_hints(planned.hints)
    if compiled is None:
        click.echo(FORMATS[output_format](planned))
    else:
        click.echo(_compiled(selected, planned, compiled.split(",")))


def _compiled(selected: SelectedOperation, planned: QueryPlan, true: Sequence[str]) -> str:
    operation = get_operation(selected.supergraph.api_schema, selected.document, selected.name)
    try:
        return source_of(selected.supergraph.schema, operation, planned, dict.fromkeys(true, True)).text
    except NotCompilable as reason:
        raise click.ClickException(f"The plan is not compiled: {reason}.") from None
