"""Formats a plan as a Mermaid flowchart, or as a table of costs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from router.plan import (
    BatchFetch,
    Condition,
    Defer,
    Fetch,
    Flatten,
    OutputField,
    Parallel,
    Sequence,
    Subscription,
    flatten_path_json,
)
from router.planner.choose.plan_cost import fetch_cost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.plan import OutputSelection, Path, PlanNode, QueryPlan

_NUMBERS: Final = frozenset({0, 1, 2, 3, 4})
"""The indexes of the columns that contain numbers. These columns of the cost table are aligned to the right."""

# A character with a special meaning in Mermaid's labels → its escape sequence.
_ENTITIES: Final = str.maketrans({"#": "#35;", "&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"})


@dataclass(frozen=True, slots=True)
class PlacedFetch:
    """A fetch and its position in the plan.

    Attributes:
        path: the response path of the objects to which the fetch adds fields.
        conditions: when the fetch runs, for example `if $flag` (@skip, @include), `deferred` or `for each event`.
        request: the number of the request in which the fetch is sent. The fetches of a batch share one request.
        stage: how many fetches must run one after the other before this fetch can run (the longest such chain).
    """

    fetch: Fetch
    path: Path
    conditions: tuple[str, ...]
    request: int
    stage: int

    @property
    def where(self) -> str:
        return ".".join(str(step) for step in flatten_path_json(self.path)) or "."

    @property
    def when(self) -> str:
        return ", ".join(self.conditions)

    @property
    def fields(self) -> int:
        """The number of fields that the fetch selects, without `_entities`."""
        return _count_fields(self.fetch.selections)

    @property
    def cost(self) -> int:
        return fetch_cost(self.stage, self.fields)


def _count_fields(selections: Iterable[OutputSelection]) -> int:
    return sum(isinstance(each, OutputField) + _count_fields(each.selections) for each in selections)


class _FetchInRequest(NamedTuple):
    fetch: Fetch
    path: Path
    conditions: tuple[str, ...]


def placed_fetches(plan: QueryPlan) -> list[PlacedFetch]:
    """Return every fetch of the plan with its position, in the order of the plan."""
    stages: dict[int, int] = {}
    placed = []
    for number, request in enumerate(_requests(plan.node, ())):
        for fetch, path, conditions in request:
            stage = 1 + max((stages[awaited] for awaited in fetch.depends_on), default=-1)
            stages[fetch.id] = stage
            placed.append(PlacedFetch(fetch, path, conditions, number, stage))
    return placed


def _requests(  # noqa: C901 - one case per kind of node
    node: PlanNode | None, conditions: tuple[str, ...]
) -> Iterator[list[_FetchInRequest]]:
    """Yield a list of fetches for each request of the plan `node`. `conditions` says when `node` runs."""
    match node:
        case Fetch():
            yield [_FetchInRequest(node, (), conditions)]
        case Flatten(path=path, node=fetch):
            yield [_FetchInRequest(fetch, path, conditions)]
        case BatchFetch(parts=parts):
            yield [fetch for part in parts for fetches in _requests(part.node, conditions) for fetch in fetches]
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            for child in nodes:
                yield from _requests(child, conditions)
        case Condition(variable=variable, if_clause=if_clause, else_clause=else_clause):
            yield from _requests(if_clause, (*conditions, f"if ${variable}"))
            yield from _requests(else_clause, (*conditions, f"if not ${variable}"))
        case Defer(primary=primary, deferred=deferred):
            yield from _requests(primary.node, conditions)
            for part in deferred:
                yield from _requests(part.node, (*conditions, "deferred"))
        case Subscription(primary=fetch, rest=rest):
            yield [_FetchInRequest(fetch, (), (*conditions, "opens the stream"))]
            yield from _requests(rest, (*conditions, "for each event"))
        case None:
            return


def mermaid(plan: QueryPlan) -> str:
    """Return the plan as a flowchart in the language of Mermaid.

    Each fetch is a node. An arrow from one fetch to another means that the second fetch waits for the first. A box
    contains the fetches that are sent in one request.
    """
    lines = ["flowchart TD"]
    placed = placed_fetches(plan)
    for number, fetches in groupby(placed, lambda each: each.request):
        nodes = [_node(each) for each in fetches]
        if len(nodes) > 1:
            nodes = [f'  subgraph r{number} ["one request"]', *(f"  {node}" for node in nodes), "  end"]
        lines += nodes
    lines += [f"  f{number} --> f{each.fetch.id}" for each in placed for number in each.fetch.depends_on]
    return "\n".join(lines)


def _node(placed: PlacedFetch) -> str:
    label = (placed.fetch.service_name, placed.where, *placed.conditions)
    return f'  f{placed.fetch.id}["{"<br/>".join(text.translate(_ENTITIES) for text in label)}"]'


def cost_table(plan: QueryPlan) -> str:
    """Return the table of costs: a row for each fetch, and the sum of the costs.

    The cost of a fetch is (1000 + `fields`) · max(1, 100 · `stage`), with the attributes of `PlacedFetch`.
    """
    placed = placed_fetches(plan)
    depth = 1 + max((each.stage for each in placed), default=-1)
    total = sum(each.cost for each in placed)
    requests = len({each.request for each in placed})
    shared = f" in {requests} requests" if requests < len(placed) else ""
    return "\n".join(
        [*_aligned(_rows(placed)), f"{len(placed)} fetches{shared}, at most {depth} in a row, cost {total}"]
    )


def _rows(placed: Iterable[PlacedFetch]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("fetch", "request", "stage", "fields", "cost", "subgraph", "path", "when")]
    for each in placed:
        numbers = (each.fetch.id, each.request, each.stage, each.fields, each.cost)
        rows.append((*map(str, numbers), each.fetch.service_name, each.where, each.when))
    return rows


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        yield "  ".join(
            cell.rjust(width) if column in _NUMBERS else cell.ljust(width) for column, (cell, width) in enumerate(cells)
        ).rstrip()
