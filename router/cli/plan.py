"""`router plan`: how an operation would be fetched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click

from router.cli.operation_options import about_an_operation
from router.cli.plan_views import cost_table, mermaid
from router.planner import Bounds, plan

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
@click.option(
    "--work",
    type=click.IntRange(min=0),
    default=Bounds().work,
    show_default=True,
    help="How far to search for a better plan, in units of about 10 µs.",
)
@click.option(
    "--deadline",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="When to end that search; as late as it takes if not given.",
)
def command(  # noqa: PLR0913 - one parameter an option
    asked: AskedOperation, *, output_format: str, batch: bool, defer: bool, work: int, deadline: float | None
) -> None:
    """Print the plan of an operation: Apollo's text or JSON, a flowchart, or what each fetch costs."""
    planned = plan(
        asked.supergraph,
        asked.document,
        asked.name,
        override_labels=asked.override_labels,
        batch_entity_fetches=batch,
        defer=defer,
        bounds=Bounds(work, deadline),
    )
    for hint in planned.hints:
        click.echo(f"hint: {hint}", err=True)
    click.echo(FORMATS[output_format](planned))
