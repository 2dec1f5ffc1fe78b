"""Entity fetches that travel together: one subgraph, one stage, one request (planning §7.3).

    users.@ <- reviews, topProducts.@ <- reviews     =>     one request to reviews with two aliased `_entities`

A stage is the longest chain of fetches that a fetch waits for, the plan's own measure of time: at one stage inputs are
complete at one time, so by that measure nobody waits and a request is saved. Fetches of different stages stay apart,
however near: there the batch would make the earlier one wait for a whole request. As every wait leads to a later stage,
batches never wait for each other in a circle.

What reads values from ancestors (`@fromContext`) may need several requests itself and stays alone; fetches without
inputs are whole operations. Parts under different conditions can share a request, as each one can be left out of it.
Parts that ask the same at different places are told apart here and become one when they are run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from router.planner.fetch.groups import FetchGroup, stages

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Batch:
    """At least two groups of one subgraph."""

    groups: tuple[FetchGroup, ...]

    @property
    def after(self) -> frozenset[int]:
        """The numbers of the groups that some of its own wait for."""
        return frozenset[int]().union(*(group.after for group in self.groups))


PlannedRequest: TypeAlias = FetchGroup | Batch


def one_by_one(groups: tuple[FetchGroup, ...]) -> tuple[PlannedRequest, ...]:
    """Every group in a request of its own."""
    return groups


def batched(groups: tuple[FetchGroup, ...]) -> tuple[PlannedRequest, ...]:
    """The groups in as few requests as their stages allow, each request after those it waits for.

    Groups must come after those they wait for.
    """
    stage = stages(groups)
    together: dict[object, list[FetchGroup]] = {}
    for group in groups:
        can_share = bool(group.inputs) and not group.contexts
        place = (group.subgraph, stage[group.number]) if can_share else group.number
        together.setdefault(place, []).append(group)
    if len(together) == len(groups):
        return groups
    requests = [Batch(tuple(same)) if len(same) > 1 else same[0] for same in together.values()]
    return tuple(sorted(requests, key=lambda request: stage[next(groups_in(request)).number]))


def groups_in(request: PlannedRequest) -> Iterator[FetchGroup]:
    """The groups whose fetches a request carries."""
    yield from request.groups if isinstance(request, Batch) else (request,)
