"""A plan as a Mermaid flowchart, and as a table of what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

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
from router.planner.choose.cost import fetch_cost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.plan import Path, PlanNode, QueryPlan

_NUMBERS: Final = frozenset({0, 1, 2, 3, 4})
"""The columns of the table of costs that hold numbers."""

# Mermaid's own spelling of what would end a label, start markup, or be taken for such a spelling.
_ENTITIES: Final = str.maketrans({"#": "#35;", "&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"})


@dataclass(frozen=True, slots=True)
class PlacedFetch:
    """A fetch and where it stands in the plan.

    Attributes:
        path: of the objects it extends.
        circumstances: the conditions it runs under, and whether what it brings is delivered later.
        request: the number of the request it travels in, others share it in a batch.
        stage: how many fetches run before it, one after the other.
    """

    fetch: Fetch
    path: Path
    circumstances: tuple[str, ...]
    request: int
    stage: int

    @property
    def where(self) -> str:
        return ".".join(str(step) for step in flatten_path_json(self.path)) or "."

    @property
    def when(self) -> str:
        return ", ".join(self.circumstances)

    @property
    def fields(self) -> int:
        """Fields of the operation, `_entities` left out."""
        counter = _FieldCounter()
        visit(parse(self.fetch.operation, no_location=True), counter)
        return counter.count - (1 if self.fetch.requires else 0)

    @property
    def cost(self) -> int:
        return fetch_cost(self.stage, self.fields)


class _FieldCounter(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def enter_field(self, _node: FieldNode, *_: object) -> None:
        self.count += 1


class _Found(NamedTuple):
    fetch: Fetch
    path: Path
    circumstances: tuple[str, ...]


def placed_fetches(plan: QueryPlan) -> list[PlacedFetch]:
    """Every fetch in order of appearance."""
    stages: dict[int, int] = {}
    placed = []
    for number, request in enumerate(_requests(plan.node, ())):
        for fetch, path, circumstances in request:
            stage = 1 + max((stages[awaited] for awaited in fetch.depends_on), default=-1)
            stages[fetch.id] = stage
            placed.append(PlacedFetch(fetch, path, circumstances, number, stage))
    return placed


def _requests(  # noqa: C901 - one case per kind of node
    node: PlanNode | None, circumstances: tuple[str, ...]
) -> Iterator[list[_Found]]:
    """The fetches of each request."""
    match node:
        case Fetch():
            yield [_Found(node, (), circumstances)]
        case Flatten(path=path, node=fetch):
            yield [_Found(fetch, path, circumstances)]
        case BatchFetch(parts=parts):
            yield [found for part in parts for alone in _requests(part.node, circumstances) for found in alone]
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            for child in nodes:
                yield from _requests(child, circumstances)
        case Condition(variable=variable, if_clause=if_clause, else_clause=else_clause):
            yield from _requests(if_clause, (*circumstances, f"if ${variable}"))
            yield from _requests(else_clause, (*circumstances, f"if not ${variable}"))
        case Defer(primary=primary, deferred=deferred):
            yield from _requests(primary.node, circumstances)
            for part in deferred:
                yield from _requests(part.node, (*circumstances, "deferred"))
        case Subscription(primary=fetch, rest=rest):
            yield [_Found(fetch, (), (*circumstances, "opens the stream"))]
            yield from _requests(rest, (*circumstances, "for each event"))
        case None:
            return


def mermaid(plan: QueryPlan) -> str:
    """A flowchart: a node for each fetch, an arrow from each to those that wait for it, a box around a batch."""
    lines = ["flowchart TD"]
    placed = placed_fetches(plan)
    for number, together in groupby(placed, lambda one: one.request):
        nodes = [_node(one) for one in together]
        if len(nodes) > 1:
            nodes = [f'  subgraph r{number} ["one request"]', *(f"  {node}" for node in nodes), "  end"]
        lines += nodes
    lines += [f"  f{number} --> f{one.fetch.id}" for one in placed for number in one.fetch.depends_on]
    return "\n".join(lines)


def _node(placed: PlacedFetch) -> str:
    label = (placed.fetch.service_name, placed.where, *placed.circumstances)
    return f'  f{placed.fetch.id}["{"<br/>".join(text.translate(_ENTITIES) for text in label)}"]'


def cost_table(plan: QueryPlan) -> str:
    """A row for each fetch, and the sum: (1000 + fields) · max(1, 100 · stage)."""
    placed = placed_fetches(plan)
    depth = 1 + max((one.stage for one in placed), default=-1)
    total = sum(one.cost for one in placed)
    requests = len({one.request for one in placed})
    together = f" in {requests} requests" if requests < len(placed) else ""
    return "\n".join(
        [*_aligned(_rows(placed)), f"{len(placed)} fetches{together}, at most {depth} in a row, cost {total}"]
    )


def _rows(placed: Iterable[PlacedFetch]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("fetch", "request", "stage", "fields", "cost", "subgraph", "path", "when")]
    for one in placed:
        numbers = (one.fetch.id, one.request, one.stage, one.fields, one.cost)
        rows.append((*map(str, numbers), one.fetch.service_name, one.where, one.when))
    return rows


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        yield "  ".join(
            cell.rjust(width) if column in _NUMBERS else cell.ljust(width) for column, (cell, width) in enumerate(cells)
        ).rstrip()
