"""`router explain-plan`: why each field of an operation is fetched where it is."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from router.cli.operation_options import about_an_operation
from router.planner import explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.cli.operation_options import AskedOperation
    from router.planner.explanation import FieldExplanation, Option


@click.command("explain-plan")
@about_an_operation
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(asked: AskedOperation, *, output_format: str) -> None:
    """Tell for each field which subgraph it is fetched from, and why not from another.

    The cost of an alternative is that of the whole plan with this one field fetched there, before fetches for the same
    objects are merged.
    """
    fields = explain(asked.supergraph, asked.document, asked.name, override_labels=asked.override_labels)
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
