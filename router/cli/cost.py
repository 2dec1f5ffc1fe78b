"""`router cost`: estimate the cost of an operation, for example to check the cost in CI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from router.cli.operation_options import with_operation_options
from router.get_operation import get_operation
from router.json_codec import decode
from router.policies.demand_control.demand_control_stage import PricedOperation
from router.policies.demand_control.estimate import AmbiguousSize, Estimation
from router.policies.demand_control.schema_weights import SchemaWeights
from router.settings.sections.demand_control import DemandControl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from router.cli.operation_options import SelectedOperation
    from router.policies.demand_control.priced_selections import PricedSelection

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)

_Row = tuple[tuple[str, ...], int]


@click.command("cost")
@with_operation_options
@click.option("--variables", "variables_file", type=_FILE, help="A JSON file with the variables of the operation.")
@click.option(
    "--list-size",
    type=click.IntRange(min=0),
    default=DemandControl().list_size,
    show_default=True,
    help="The number of items of a list without @listSize (demand_control.list_size).",
)
@click.option("--max", "max_cost", type=click.IntRange(min=1), help="The largest cost that is allowed.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    selected: SelectedOperation,
    *,
    variables_file: Path | None,
    list_size: int,
    max_cost: int | None,
    output_format: str,
) -> None:
    """Estimate the cost of an operation and of each of its fields. @cost and @listSize in the schema set the costs.

    Exit code 0: the cost is at most --max; 1: the cost is more than --max, or the operation is invalid; 2: bad usage.
    """
    weights = SchemaWeights(selected.supergraph)
    priced = PricedOperation.of(
        get_operation(selected.supergraph.api_schema, selected.document, selected.name), weights, list_size
    )
    variables = {**priced.defaults, **_variables(variables_file)}
    try:
        estimate = priced.estimate(weights, variables)
        rows = list(_rows(priced.selections, Estimation(weights, variables), ()))
    except AmbiguousSize as error:
        raise click.ClickException(str(error)) from None
    if output_format == "json":
        click.echo(_as_json(estimate.cost, priced.base, rows, max_cost))
    else:
        click.echo(_as_text(estimate.cost, priced.base, rows, max_cost))
    raise SystemExit(max_cost is not None and estimate.cost > max_cost)


def _variables(file: Path | None) -> Mapping[str, object]:
    if file is None:
        return {}
    try:
        variables = decode(file.read_bytes())
    except (OSError, ValueError):
        raise click.BadParameter(f"{file} is not a JSON file", param_hint="'--variables'") from None
    if not isinstance(variables, dict):
        raise click.BadParameter(f"{file} is not a JSON object", param_hint="'--variables'")
    return variables


def _rows(selections: Sequence[PricedSelection], estimation: Estimation, path: tuple[str, ...]) -> Iterator[_Row]:
    """Yield `(path, cost)` for each field, in the order of the operation. The cost includes all subfields."""
    for selection in selections:
        cost = estimation.total((selection,)).cost
        if not cost:
            continue
        below = (*path, selection.key) if selection.key else path
        if selection.key:
            yield below, cost
        yield from _rows(selection.inner, estimation, below)


def _as_json(cost: int, base: int, rows: Sequence[_Row], max_cost: int | None) -> str:
    fields = [{"path": list(path), "cost": each} for path, each in rows]
    return json.dumps({"cost": cost, "max": max_cost, "operation": base, "fields": fields}, indent=2)


def _as_text(cost: int, base: int, rows: Sequence[_Row], max_cost: int | None) -> str:
    """Return a table of costs. If a field is inside a list, its cost is the cost for one item of the list."""
    lines = [(".".join(path), str(each)) for path, each in rows]
    if base:
        lines.insert(0, ("(the operation)", str(base)))
    width = max((len(name) for name, _ in lines), default=0)
    allowed = f" (allowed: {max_cost})" if max_cost is not None else ""
    return "\n".join([*(f"{name.ljust(width)}  {each}" for name, each in lines), f"cost: {cost}{allowed}"])
