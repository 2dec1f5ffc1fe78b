"""Puts entity fetches of one subgraph and one stage into one request (planning §7.3).

    users.@ <- reviews, topProducts.@ <- reviews     =>     one request to reviews with two aliased `_entities`

The stage of a fetch is the number of fetches, one after the other, that the fetch waits for. As far as the plan can
say, the inputs of all fetches of one stage are complete at the same time, so that a batch saves a request and delays no
fetch. Fetches of different stages are not batched: the earlier fetch would wait for a whole request. A fetch waits for
earlier stages only, so batches never wait for each other.

Two kinds of fetches are not batched: a fetch that reads values from ancestors (`@fromContext`) can need several
requests, and a root fetch is a whole operation. Parts under different conditions can share a request: the executor
leaves out a part whose condition is false. Two parts can have the same selections at different paths; the executor
merges them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from router.planner.fetch.fetch_groups import FetchGroup, stages

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Batch:
    """At least two groups of one subgraph."""

    groups: tuple[FetchGroup, ...]

    @property
    def after(self) -> frozenset[int]:
        """Return the numbers of the groups that the batch waits for."""
        return frozenset[int]().union(*(group.after for group in self.groups))


PlannedRequest: TypeAlias = FetchGroup | Batch


def one_by_one(groups: tuple[FetchGroup, ...]) -> tuple[PlannedRequest, ...]:
    """Return the groups as they are: one request for each group."""
    return groups


def batched(groups: tuple[FetchGroup, ...]) -> tuple[PlannedRequest, ...]:
    """Return the groups in as few requests as their stages allow, each request after the requests it waits for.

    `groups` must be in waiting order.
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
    """Yield the groups of a request."""
    yield from request.groups if isinstance(request, Batch) else (request,)
