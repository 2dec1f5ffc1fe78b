"""List the requests of a plan, with the path and conditions of each fetch. Nothing is sent (execution §3.7, §3.8).

The order in the nodes `Sequence` and `Parallel` is ignored, because `depends_on` of each fetch is more precise. A fetch
below a `Condition` node gets the condition. Fetches of deferred fragments (`@defer`) are listed like all other fetches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from router.plan import BatchFetch, Condition, Defer, Fetch, Flatten, Parallel, Sequence, Subscription

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from router.plan import BatchPart, Path, PlanNode


def conditions_met(conditions: Iterable[tuple[str, bool]], variables: Mapping[str, object]) -> bool:
    """Return whether all conditions are met (execution §3.8).

    A condition `(name, value)` is met if the Boolean variable `name` has the value `value`. A variable without a value
    counts as false.
    """
    return all((variables.get(name) is True) == wanted for name, wanted in conditions)


class FetchStep(msgspec.Struct, frozen=True):
    """A fetch of the plan, with its path and conditions from the `Flatten` and `Condition` nodes around it.

    Attributes:
        fetch: The fetch.
        path: The path of the objects to which the fetch adds fields.
        conditions: Boolean variables with the values that they must have. If a variable has another value, the fetch is
            skipped.
        part: The part of a batch (a request with several fetches) to which the fetch belongs; None outside a batch.
    """

    fetch: Fetch
    path: Path = ()
    conditions: tuple[tuple[str, bool], ...] = ()
    part: BatchPart | None = None

    def is_included(self, variables: Mapping[str, object]) -> bool:
        """Return whether all conditions of the fetch are met."""
        return conditions_met(self.conditions, variables)


class PlannedRequest(msgspec.Struct, frozen=True):
    """One request of the plan. It sends one fetch, or all fetches of `batch`."""

    steps: tuple[FetchStep, ...]
    batch: BatchFetch | None = None


def requests_in_plan(  # noqa: C901 - one case per kind of node
    node: PlanNode | None, conditions: tuple[tuple[str, bool], ...] = ()
) -> Iterator[PlannedRequest]:
    """Yield the requests of a plan in order (execution §3.7).

    For a subscription, yield the requests that are sent for each event.
    """
    match node:
        case None:
            return
        case Fetch():
            yield PlannedRequest((FetchStep(node, (), conditions),))
        case BatchFetch(parts=parts):
            yield PlannedRequest(tuple(step for part in parts for step in _steps(part, conditions)), node)
        case Flatten(path=path, node=fetch):
            yield PlannedRequest((FetchStep(fetch, path, conditions),))
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            for child in nodes:
                yield from requests_in_plan(child, conditions)
        case Condition(variable=variable, if_clause=if_clause, else_clause=else_clause):
            yield from requests_in_plan(if_clause, (*conditions, (variable, True)))
            yield from requests_in_plan(else_clause, (*conditions, (variable, False)))
        case Defer(primary=primary, deferred=deferred):
            yield from requests_in_plan(primary.node, conditions)
            for part in deferred:
                yield from requests_in_plan(part.node, conditions)
        case Subscription(rest=rest):
            yield from requests_in_plan(rest, conditions)


def _steps(part: BatchPart, conditions: tuple[tuple[str, bool], ...]) -> Iterator[FetchStep]:
    for request in requests_in_plan(part.node, conditions):
        for step in request.steps:
            yield replace(step, part=part)
