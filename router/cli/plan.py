"""`router plan`: how an operation would be fetched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click

from router.cli.operation_options import about_an_operation, tell_hints
from router.cli.plan_views import cost_table, mermaid
from router.planner import PlanOptions, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.cli.operation_options import AskedOperation
    from router.plan import QueryPlan

FORMATS: Final[Mapping[str, Callable[[QueryPlan], str]]] = {
    "text": lambda planned: planned.to_text(),
    "json": lambda planned: json.dumps(planned.to_json(), indent=2),
    "mermaid": mermaid,
    "cost": cost_table,
}


@click.command("plan")
@about_an_operation
@click.option("--format", "output_format", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option("--batch/--no-batch", default=True, show_default=True, help="Whether entity fetches share requests.")
@click.option("--defer/--no-defer", default=True, show_default=True, help="Whether @defer counts.")
def command(asked: AskedOperation, *, output_format: str, batch: bool, defer: bool) -> None:
    """Print the plan of an operation: Apollo's text or JSON, a flowchart, or what each fetch costs.

    Where the search for a better plan was ended, a hint on stderr says so.

    Exit code 0: planned; 1: the operation is invalid or cannot be planned; 2: bad usage.
    """
    options = PlanOptions(asked.override_labels, batch, defer, asked.bounds)
    planned = plan(asked.supergraph, asked.document, asked.name, options)
    tell_hints(planned.hints)
    click.echo(FORMATS[output_format](planned))
