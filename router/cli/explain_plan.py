"""`router explain-plan`: explain from which subgraph each field of an operation is fetched, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import msgspec

from router.cli.operation_options import print_hints, with_operation_options
from router.planner import PlanOptions, explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.cli.operation_options import SelectedOperation
    from router.planner.choose.explain_choice import ExplainedOption, FieldExplanation


# \b tells click to keep the line breaks of the paragraph that follows.
_HELP = """Explain for each field from which subgraph it is fetched, and why not from another subgraph.

Each line below a field begins with one of three words:

\b
from  the subgraph that returns the field, and the cost of the whole plan
or    another subgraph that could return the field, and the cost of the plan with it
not   a subgraph that cannot return the field, and why

The cost after "or" is the cost of the whole plan if only this field is fetched from the other subgraph. Costs are
computed before fetches for the same objects are merged. A fetch that runs first costs 1000. A fetch that must wait for
n fetches, one after the other, costs n times 100,000.

Exit code 0: planned; 1: the operation is invalid or cannot be planned; 2: bad usage.
"""


@click.command("explain-plan", help=_HELP)
@with_operation_options
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(selected: SelectedOperation, *, output_format: str) -> None:
    explained = explain(
        selected.supergraph,
        selected.document,
        selected.name,
        PlanOptions(selected.override_labels, bounds=selected.bounds),
    )
    print_hints(explained.hints)
    fields = explained.fields
    if output_format == "json":
        click.echo(json.dumps(msgspec.to_builtins(fields), indent=2))
        return
    click.echo(
        "\n".join(_lines(fields)) if fields else "Nothing is fetched: the router resolves this operation itself."
    )


def _lines(fields: Iterable[FieldExplanation]) -> Iterator[str]:
    for field in fields:
        yield f"{field.path}  ({field.coordinate})"
        yield f"  from {_option(field.chosen)}: {field.reason}"
        for other in field.others:
            yield f"  or   {_option(other)}"
        refused: dict[str, list[str]] = {}
        for refusal in field.refusals:
            refused.setdefault(refusal.reason, []).append(refusal.subgraph)
        for reason, subgraphs in refused.items():
            yield f"  not  {', '.join(subgraphs)}: {reason}"


def _option(option: ExplainedOption) -> str:
    fetches = "1 fetch" if option.fetches == 1 else f"{option.fetches} fetches"
    return f"{option.subgraph} [{option.route}]  cost {option.cost}, {fetches}"
