"""From the plan's tree to the steps of its dependency graph (executor reference §3.7, §3.8).

`Sequence` and `Parallel` only spell out an order that each fetch's `depends_on` states more finely, so they vanish
here; conditions stay with the fetches they guard. Deferred parts are folded into the one response.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.plan import Condition, Defer, Fetch, Flatten, Parallel, Sequence, Subscription

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from router.plan import Path, PlanNode


@dataclass(frozen=True, slots=True)
class Step:
    """One fetch, the place of its objects, and the values its guarding variables must have."""

    fetch: Fetch
    path: Path = ()
    conditions: tuple[tuple[str, bool], ...] = ()

    def is_wanted(self, variables: Mapping[str, object]) -> bool:
        return all((variables.get(name) is True) == wanted for name, wanted in self.conditions)


def steps(node: PlanNode | None, conditions: tuple[tuple[str, bool], ...] = ()) -> Iterator[Step]:
    """Every fetch of the plan, in order of appearance; of a subscription, what runs for each event."""
    match node:
        case None:
            return
        case Fetch():
            yield Step(node, (), conditions)
        case Flatten(path=path, node=fetch):
            yield Step(fetch, path, conditions)
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            for child in nodes:
                yield from steps(child, conditions)
        case Condition(variable=variable, if_clause=if_clause, else_clause=else_clause):
            yield from steps(if_clause, (*conditions, (variable, True)))
            yield from steps(else_clause, (*conditions, (variable, False)))
        case Defer(primary=primary, deferred=deferred):
            yield from steps(primary.node, conditions)
            for part in deferred:
                yield from steps(part.node, conditions)
        case Subscription(rest=rest):
            yield from steps(rest, conditions)
