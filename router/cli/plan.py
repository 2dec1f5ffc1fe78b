"""`router plan`: how an operation would be fetched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from graphql import GraphQLSyntaxError, parse, validate

from router.cli.plan_views import cost_table, mermaid
from router.errors import InvalidSupergraph, RequestError
from router.planner import plan
from router.supergraph import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import DocumentNode

    from router.plan import QueryPlan
    from router.supergraph import Supergraph

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)

FORMATS: Final[Mapping[str, Callable[[QueryPlan], str]]] = {
    "text": lambda planned: planned.to_text(),
    "json": lambda planned: json.dumps(planned.to_json(), indent=2),
    "mermaid": mermaid,
    "cost": cost_table,
}


@click.command("plan")
@click.option("--supergraph", "supergraph_file", type=FILE, required=True, help="The composed supergraph.")
@click.option("--operation", "operation_file", type=FILE, required=True, help="A document with the operation.")
@click.option("--operation-name", help="Which operation, if the document has several.")
@click.option("--format", "output_format", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option("--batch/--no-batch", default=True, show_default=True, help="Whether entity fetches share requests.")
def command(
    *, supergraph_file: Path, operation_file: Path, operation_name: str | None, output_format: str, batch: bool
) -> None:
    """Print the plan of an operation: Apollo's text or JSON, a flowchart, or what each fetch costs."""
    supergraph = read_supergraph(supergraph_file)
    document = read_operation(supergraph, operation_file)
    try:
        planned = plan(supergraph, document, operation_name, batch_entity_fetches=batch)
    except RequestError as error:
        raise click.ClickException(f"{operation_file}: {error.message}") from None
    click.echo(FORMATS[output_format](planned))


def read_supergraph(file: Path) -> Supergraph:
    """Raises `click.ClickException` for a file that is no supergraph."""
    try:
        return load(file.read_text(encoding="utf-8"))
    except InvalidSupergraph as error:
        raise click.ClickException(f"{file}: {error.message}") from None


def read_operation(supergraph: Supergraph, file: Path) -> DocumentNode:
    """Raises `click.ClickException` for a document that is not valid on the supergraph's API schema."""
    try:
        document = parse(file.read_text(encoding="utf-8"))
    except GraphQLSyntaxError as error:
        raise click.ClickException(f"{file}: {error}") from None
    errors = validate(supergraph.api_schema, document)
    if errors:
        raise click.ClickException("\n".join(f"{file}: {error}" for error in errors))
    return document
