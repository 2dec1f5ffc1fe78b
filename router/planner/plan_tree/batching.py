"""Entity fetches of one subgraph and one stage in one request (planning §7.3).

    users.@ <- reviews, topProducts.@ <- reviews     =>     one request to reviews with two aliased `_entities`

The stage of a fetch is the number of fetches in a row that it waits for. The inputs of all fetches of one stage are
complete at the same time, as far as the plan can say, so that a batch saves a request and delays none. Fetches of
different stages are not batched: the earlier one would wait for a whole request. As a fetch waits for earlier stages
only, batches never wait for each other.

A fetch that reads values from ancestors (`@fromContext`) can need several requests and is not batched, nor is a root
fetch, which is a whole operation. Parts under different conditions can share a request: each can be left out of it.
Parts with the same selections at different paths are two parts here; the executor merges them.
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
        """The numbers of the groups that it waits for."""
        return frozenset[int]().union(*(group.after for group in self.groups))


PlannedRequest: TypeAlias = FetchGroup | Batch


def one_by_one(groups: tuple[FetchGroup, ...]) -> tuple[PlannedRequest, ...]:
    """Every group in a request of its own."""
    return groups


def batched(groups: tuple[FetchGroup, ...]) -> tuple[PlannedRequest, ...]:
    """The groups in as few requests as their stages allow, each request after those that it waits for.

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
    """The groups of a request."""
    yield from request.groups if isinstance(request, Batch) else (request,)
