"""Find the requests of a plan that run, and the requests for which each of them waits (execution §3.7 to §3.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.executor.compiled.response_shape import NotCompilable
from router.executor.interpreter.combine_and_split_entity_fetches import group_equal_parts
from router.executor.interpreter.requests_in_plan import requests_in_plan
from router.plan import Defer, Subscription

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router.executor.interpreter.requests_in_plan import FetchStep, PlannedRequest
    from router.plan import BatchFetch, QueryPlan


@dataclass(frozen=True, slots=True)
class Planned:
    """A request whose conditions are met. The indexes are positions in the result of `request_graph`.

    Attributes:
        groups: The fetches of the request. The fetches of one group are equal except for their paths.
        batch: The batch; None if the request has only one fetch.
        parents: The indexes of the requests whose results must be merged before this request starts.
        children: The indexes of the requests that wait for this request.
    """

    groups: tuple[tuple[FetchStep, ...], ...]
    batch: BatchFetch | None
    parents: tuple[int, ...]
    children: tuple[int, ...]


def request_graph(plan: QueryPlan, variables: Mapping[str, object]) -> tuple[Planned, ...]:
    """Return the requests whose conditions are met with these variables, in the order of the plan.

    Raises:
        NotCompilable: The response has several parts (`@defer` or a subscription).
    """
    if isinstance(plan.node, Defer | Subscription):
        raise NotCompilable("the response is delivered in parts")
    planned = tuple(requests_in_plan(plan.node))
    dependencies = {step.fetch.id: step.fetch.depends_on for request in planned for step in request.steps}
    included = [
        (request, steps)
        for request in planned
        if (steps := tuple(step for step in request.steps if step.is_included(variables)))
    ]
    place = {step.fetch.id: number for number, (_, steps) in enumerate(included) for step in steps}
    parents = [_parents(steps, dependencies, place) for _, steps in included]
    return tuple(
        Planned(
            tuple(map(tuple, _groups(request, steps))),
            request.batch,
            tuple(sorted(parents[number])),
            tuple(child for child, of_child in enumerate(parents) if number in of_child),
        )
        for number, (request, steps) in enumerate(included)
    )


def fetches_before(requests: Sequence[Planned], fetch: int) -> set[int]:
    """Return the ids of all fetches whose results are merged before the fetch `fetch` starts."""
    numbers = {step.fetch.id: number for number, one in enumerate(requests) for group in one.groups for step in group}
    above: set[int] = set()
    pending = [*requests[numbers[fetch]].parents]
    while pending:
        number = pending.pop()
        if number not in above:
            above.add(number)
            pending += requests[number].parents
    return {identity for identity, number in numbers.items() if number in above}


def _groups(request: PlannedRequest, steps: Sequence[FetchStep]) -> list[list[FetchStep]]:
    return [[*steps]] if request.batch is None else group_equal_parts(steps)


def _parents(
    steps: Sequence[FetchStep], dependencies: Mapping[int, Sequence[int]], place: Mapping[int, int]
) -> set[int]:
    """Return the indexes of the requests on which at least one fetch in `steps` depends.

    If B depends on A, and C on B, but B does not run because of its conditions, then C depends on A.
    """
    found: set[int] = set()
    pending = [parent for step in steps for parent in step.fetch.depends_on]
    visited: set[int] = set()
    while pending:
        fetch = pending.pop()
        if fetch in visited:
            continue
        visited.add(fetch)
        if fetch in place:
            found.add(place[fetch])
        else:
            pending += dependencies.get(fetch, ())
    return found
