"""From the plan's tree to the requests of its dependency graph (§3.7, §3.8).

`Sequence` and `Parallel` only spell out an order that each fetch's `depends_on` states more finely, so they vanish
here; conditions stay with the fetches they guard. Deferred parts are folded into the one response.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from router.plan import BatchFetch, Condition, Defer, Fetch, Flatten, Parallel, Sequence, Subscription

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from router.plan import BatchPart, Path, PlanNode


def hold(conditions: Iterable[tuple[str, bool]], variables: Mapping[str, object]) -> bool:
    """Whether each of the Boolean variables has the value it is named with (§3.8)."""
    return all((variables.get(name) is True) == wanted for name, wanted in conditions)


@dataclass(frozen=True, slots=True)
class Step:
    """One fetch, the place of its objects, and the values its guarding variables must have.

    `part` is what the fetch is in a batch.
    """

    fetch: Fetch
    path: Path = ()
    conditions: tuple[tuple[str, bool], ...] = ()
    part: BatchPart | None = None

    def is_wanted(self, variables: Mapping[str, object]) -> bool:
        return hold(self.conditions, variables)


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent at once: one step, or those of a batch."""

    steps: tuple[Step, ...]
    batch: BatchFetch | None = None


def requests(  # noqa: C901 - one case per kind of node
    node: PlanNode | None, conditions: tuple[tuple[str, bool], ...] = ()
) -> Iterator[Request]:
    """Every request of the plan, in order of appearance; of a subscription, what runs for each event (§3.7)."""
    match node:
        case None:
            return
        case Fetch():
            yield Request((Step(node, (), conditions),))
        case BatchFetch(parts=parts):
            yield Request(tuple(step for part in parts for step in _steps(part, conditions)), node)
        case Flatten(path=path, node=fetch):
            yield Request((Step(fetch, path, conditions),))
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            for child in nodes:
                yield from requests(child, conditions)
        case Condition(variable=variable, if_clause=if_clause, else_clause=else_clause):
            yield from requests(if_clause, (*conditions, (variable, True)))
            yield from requests(else_clause, (*conditions, (variable, False)))
        case Defer(primary=primary, deferred=deferred):
            yield from requests(primary.node, conditions)
            for part in deferred:
                yield from requests(part.node, conditions)
        case Subscription(rest=rest):
            yield from requests(rest, conditions)


def _steps(part: BatchPart, conditions: tuple[tuple[str, bool], ...]) -> Iterator[Step]:
    for alone in requests(part.node, conditions):
        for step in alone.steps:
            yield replace(step, part=part)
