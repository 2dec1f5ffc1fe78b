"""`router plan`: how an operation would be fetched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from graphql import GraphQLSyntaxError, parse, validate

from router.errors import InvalidSupergraph, RequestError
from router.planner import plan
from router.supergraph import load

if TYPE_CHECKING:
    from graphql import DocumentNode

    from router.supergraph import Supergraph

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("plan")
@click.option("--supergraph", "supergraph_file", type=_FILE, required=True, help="The composed supergraph.")
@click.option("--operation", "operation_file", type=_FILE, required=True, help="A document with the operation.")
@click.option("--operation-name", help="Which operation, if the document has several.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(supergraph_file: Path, operation_file: Path, operation_name: str | None, output_format: str) -> None:
    """Print the plan of an operation."""
    try:
        supergraph = load(supergraph_file.read_text(encoding="utf-8"))
    except InvalidSupergraph as error:
        raise click.ClickException(f"{supergraph_file}: {error.message}") from None
    document = _document(supergraph, operation_file)
    try:
        planned = plan(supergraph, document, operation_name)
    except RequestError as error:
        raise click.ClickException(f"{operation_file}: {error.message}") from None
    click.echo(planned.to_text() if output_format == "text" else json.dumps(planned.to_json(), indent=2))


def _document(supergraph: Supergraph, file: Path) -> DocumentNode:
    try:
        document = parse(file.read_text(encoding="utf-8"))
    except GraphQLSyntaxError as error:
        raise click.ClickException(f"{file}: {error}") from None
    errors = validate(supergraph.api_schema, document)
    if errors:
        raise click.ClickException("\n".join(f"{file}: {error}" for error in errors))
    return document
