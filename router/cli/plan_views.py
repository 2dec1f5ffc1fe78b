"""A plan as a Mermaid flowchart, and as a table of what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import FieldNode, Visitor, parse, visit

from router.plan import (
    BatchFetch,
    Condition,
    Defer,
    Fetch,
    Flatten,
    Parallel,
    Sequence,
    Subscription,
    flatten_path_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.plan import Path, PlanNode, QueryPlan

# Apollo's cost of a plan: see `router.planner.walk.decisions`.
_FETCH_COST = 1000
_STAGE_FACTOR = 100


@dataclass(frozen=True, slots=True)
class PlacedFetch:
    """A fetch, the path of the objects it extends, the conditions it runs under, and how many fetches run before it."""

    fetch: Fetch
    path: Path
    conditions: tuple[str, ...]
    stage: int

    @property
    def where(self) -> str:
        return ".".join(str(step) for step in flatten_path_json(self.path)) or "."

    @property
    def fields(self) -> int:
        """Fields of the operation, `_entities` left out."""
        counter = _FieldCounter()
        visit(parse(self.fetch.operation, no_location=True), counter)
        return counter.count - (1 if self.fetch.requires else 0)

    @property
    def cost(self) -> int:
        return (_FETCH_COST + self.fields) * max(1, _STAGE_FACTOR * self.stage)


class _FieldCounter(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def enter_field(self, _node: FieldNode, *_: object) -> None:
        self.count += 1


def placed_fetches(plan: QueryPlan) -> list[PlacedFetch]:
    """Every fetch in order of appearance."""
    stages: dict[int, int] = {}
    placed = []
    for fetch, path, conditions in _walk(plan.node, ()):
        stage = 1 + max((stages[number] for number in fetch.depends_on), default=-1)
        stages[fetch.id] = stage
        placed.append(PlacedFetch(fetch, path, conditions, stage))
    return placed


def _walk(  # noqa: C901 - one case per kind of node
    node: PlanNode | None, conditions: tuple[str, ...]
) -> Iterator[tuple[Fetch, Path, tuple[str, ...]]]:
    match node:
        case Fetch():
            yield node, (), conditions
        case Flatten(path=path, node=fetch):
            yield fetch, path, conditions
        case BatchFetch(parts=parts):
            for one in parts:
                yield from _walk(one.node, conditions)
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            for child in nodes:
                yield from _walk(child, conditions)
        case Condition(variable=variable, if_clause=if_clause, else_clause=else_clause):
            yield from _walk(if_clause, (*conditions, f"${variable}"))
            yield from _walk(else_clause, (*conditions, f"not ${variable}"))
        case Defer(primary=primary, deferred=deferred):
            yield from _walk(primary.node, conditions)
            for part in deferred:
                yield from _walk(part.node, conditions)
        case Subscription(primary=fetch, rest=rest):
            yield fetch, (), conditions
            yield from _walk(rest, conditions)
        case None:
            return


def mermaid(plan: QueryPlan) -> str:
    """A flowchart: a node for each fetch, an arrow from each fetch to those that wait for it."""
    lines = ["flowchart TD"]
    placed = placed_fetches(plan)
    for one in placed:
        conditions = f"<br/>if {' and '.join(one.conditions)}" if one.conditions else ""
        lines.append(f'  f{one.fetch.id}["{_quoted(one.fetch.service_name)}<br/>{_quoted(one.where)}{conditions}"]')
    lines += [f"  f{number} --> f{one.fetch.id}" for one in placed for number in one.fetch.depends_on]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Text for a Mermaid label: what would end it or start markup is an entity."""
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace("|", "&#124;")


def cost_table(plan: QueryPlan) -> str:
    """A row for each fetch, and the sum: (1000 + fields) · max(1, 100 · stage)."""
    placed = placed_fetches(plan)
    rows = [("fetch", "stage", "fields", "cost", "subgraph", "path")]
    rows += [
        (str(one.fetch.id), str(one.stage), str(one.fields), str(one.cost), one.fetch.service_name, one.where)
        for one in placed
    ]
    depth = 1 + max((one.stage for one in placed), default=-1)
    total = sum(one.cost for one in placed)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    requests = len(list(plan.requests()))
    together = f" in {requests} requests" if requests < len(placed) else ""
    return "\n".join([*lines, f"{len(placed)} fetches{together}, at most {depth} in a row, cost {total}"])


_NUMBERS = frozenset({0, 1, 2, 3})
