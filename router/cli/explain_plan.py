"""`router explain-plan`: why each field of an operation is fetched where it is."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from router.cli.plan import FILE, read_operation, read_supergraph
from router.errors import RequestError
from router.planner import explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from router.planner.explanation import FieldExplanation, Option


@click.command("explain-plan")
@click.option("--supergraph", "supergraph_file", type=FILE, required=True, help="The composed supergraph.")
@click.option("--operation", "operation_file", type=FILE, required=True, help="A document with the operation.")
@click.option("--operation-name", help="Which operation, if the document has several.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(supergraph_file: Path, operation_file: Path, operation_name: str | None, output_format: str) -> None:
    """Tell for each field which subgraph it is fetched from, and why not from another.

    The cost of an alternative is that of the whole plan with this one field fetched there, before fetches for the same
    objects are merged.
    """
    supergraph = read_supergraph(supergraph_file)
    document = read_operation(supergraph, operation_file)
    try:
        fields = explain(supergraph, document, operation_name)
    except RequestError as error:
        raise click.ClickException(f"{operation_file}: {error.message}") from None
    if output_format == "json":
        click.echo(json.dumps([asdict(field) for field in fields], indent=2))
        return
    click.echo("\n".join(_lines(fields)) if fields else "Nothing is fetched: the router answers this itself.")


def _lines(fields: Iterable[FieldExplanation]) -> Iterator[str]:
    for field in fields:
        yield f"{field.path}  ({field.coordinate})"
        yield f"  from {_option(field.chosen)}: {field.reason}"
        for other in field.others:
            yield f"  or   {_option(other)}"
        for refusal in field.refusals:
            yield f"  not  {refusal.subgraph}: {refusal.reason}"


def _option(option: Option) -> str:
    return f"{option.subgraph} [{option.route}]  cost {option.cost}, {option.fetches} fetches"
