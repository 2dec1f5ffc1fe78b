"""Puts entity fetches of one subgraph and one stage into one request (planning §7.3).

In this example, `users.@ <- reviews` means: a fetch from the subgraph reviews for the objects of the list `users`.

    users.@ <- reviews, topProducts.@ <- reviews     =>     one request to reviews with two aliased `_entities`

The *stage* of a fetch is the number of fetches that must run, one after the other, before the fetch can start. If all
fetches take equally long, all fetches of one stage can start at the same time. A batch then saves a request and delays
no fetch. Fetches of different stages are not batched, because the fetch of the earlier stage would have to wait. Two
batches never wait for each other, because a fetch waits only for fetches of earlier stages.

Two kinds of fetches are not batched: a fetch that reads values from ancestors (`@fromContext`) can need several
requests, and a root fetch is a whole operation. Fetches with different `@skip` and `@include` conditions can share a
request: the executor leaves out a fetch whose condition is false. If two fetches of a batch have the same selections at
different paths, the executor merges the two fetches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from router.planner.fetch.fetch_groups import FetchGroup, stages

if TYPE_CHECKING:
    from collections.abc import Iterator


class Batch(msgspec.Struct, frozen=True):
    """At least two groups of one subgraph that are fetched in one request."""

    groups: tuple[FetchGroup, ...]

    @property
    def after(self) -> frozenset[int]:
        """The numbers of all groups that at least one group of the batch waits for."""
        return frozenset[int]().union(*(group.after for group in self.groups))


PlannedRequest: TypeAlias = FetchGroup | Batch


def one_by_one(groups: tuple[FetchGroup, ...]) -> tuple[PlannedRequest, ...]:
    """Return one request for each group, without batches."""
    return groups


def batched(groups: tuple[FetchGroup, ...]) -> tuple[PlannedRequest, ...]:
    """Put the groups into requests: all entity fetches of one subgraph and one stage share a request.

    `groups` must be in waiting order: each group comes after the groups that it waits for. The requests
    are in waiting order too.
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
