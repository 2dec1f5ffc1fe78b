"""Orders fetch groups by their dependencies, in `Sequence` and `Parallel` nodes (planning §8.2).

The groups without dependencies run first, in a `Parallel`. A group that depends on only one of these first groups,
directly or indirectly, follows this first group in a `Sequence`. A group that depends on several of the first groups
comes after the `Parallel`. In these examples, `d after {b, c}` means that group d depends on b and c:

    b after {a}, c after {a}, d after {b, c}     =>     Sequence[a, Parallel[b, c], d]
    c after {a}, d after {a}, e after {a, b}     =>     Sequence[Parallel[Sequence[a, Parallel[c, d]], b], e]

The groups can form several sets, with no dependency between the groups of two sets. Each set is then ordered
separately, and the sets run in parallel.

A group after a `Parallel` waits for everything inside the `Parallel`. So this order can make the tree deeper than the
longest chain of dependencies. In this case, only the first groups are put into the `Parallel`, without the groups that
follow them:

    c after {a}, d after {c}, e after {a, b}     =>     Sequence[Parallel[a, b], Parallel[Sequence[c, d], e]]
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from router.plan import Condition, Flatten, Parallel, PlanNode, Sequence
from router.planner.fetch.fetch_groups import FetchGroup
from router.planner.fetch.selection_trees import common_guards
from router.planner.plan_tree.batch_entity_fetches import Batch, groups_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from collections.abc import Sequence as Seq

    from router.plan import BatchFetch
    from router.planner.fetch.operation_writer import WrittenFetch
    from router.planner.normalise.skip_and_include_guards import Guards
    from router.planner.plan_tree.batch_entity_fetches import PlannedRequest

Node = TypeVar("Node", bound=PlanNode)
Write: TypeAlias = "Callable[[FetchGroup], WrittenFetch]"
Join: TypeAlias = "Callable[[Seq[tuple[WrittenFetch, Flatten | Condition]]], BatchFetch]"


class InOrder(msgspec.Struct, frozen=True):
    """A schedule whose parts run one after the other."""

    parts: tuple[Schedule, ...]


class AtOnce(msgspec.Struct, frozen=True):
    """A schedule whose parts run at the same time."""

    parts: tuple[Schedule, ...]


Schedule: TypeAlias = FetchGroup | Batch | InOrder | AtOnce


def schedule(requests: tuple[PlannedRequest, ...], done: frozenset[int] = frozenset()) -> Schedule | None:
    """Return a schedule that runs each request after the requests it waits for. Return None if `requests` is empty.

    `requests` must be in waiting order: each request comes after those that it waits for. `done` has the numbers of the
    groups that are fetched before the schedule starts.
    """
    return _at_once([_ordered(connected, done) for connected in _connected(requests)])


def _ordered(requests: tuple[PlannedRequest, ...], done: frozenset[int]) -> Schedule:
    """Return a schedule of requests that depend on each other, directly or through other requests."""
    ready = [request for request in requests if request.after <= done]
    waiting = tuple(request for request in requests if not request.after <= done)
    nested = _nested(ready, waiting, done)
    if len(ready) > 1 and _depth(nested) > _longest_chain(requests):
        return in_order(_at_once(list(ready)), schedule(waiting, done | _numbers(ready)))
    return nested


def _nested(ready: list[PlannedRequest], waiting: tuple[PlannedRequest, ...], done: frozenset[int]) -> Schedule:
    """Return a schedule in which the requests of `ready` run in parallel, each before its own followers.

    A follower waits for only one request of `ready`. The requests that wait for several of them come last.
    """
    followers = _Followers(waiting, done)
    parts: list[Schedule] = []
    placed = set(_numbers(ready))
    for first in ready:
        own = followers.behind(first)
        placed |= _numbers(own)
        parts.append(in_order(first, schedule(own, done | _numbers([first])) if own else None))
    left = tuple(request for request in waiting if not _numbers([request]) <= placed)
    return in_order(_at_once(parts), schedule(left, done | placed) if left else None)


def _connected(requests: tuple[PlannedRequest, ...]) -> list[tuple[PlannedRequest, ...]]:
    """Split requests into sets: no request of one set waits for a request of another set.

    The sets have the order of their first requests.
    """
    sets: dict[int, list[PlannedRequest]] = {}
    # Maps the number of a group to the index of the first request in its set.
    set_of: dict[int, int] = {}
    for index, request in enumerate(requests):
        joined = sorted({set_of[number] for number in request.after if number in set_of})
        first = joined[0] if joined else index
        members = sets.setdefault(first, [])
        for other in joined[1:]:
            absorbed = sets.pop(other)
            set_of.update(dict.fromkeys(_numbers(absorbed), first))
            members += absorbed
        members.append(request)
        set_of.update(dict.fromkeys(_numbers([request]), first))
    if len(sets) == 1:
        return [requests]
    places = {number: index for index, request in enumerate(requests) for number in _numbers([request])}
    return [tuple(sorted(members, key=lambda request: places[min(_numbers([request]))])) for members in sets.values()]


def _longest_chain(requests: tuple[PlannedRequest, ...]) -> int:
    """Return the largest number of requests that must run one after the other."""
    chain: dict[int, int] = {}
    for request in requests:
        length = 1 + max((chain.get(number, 0) for number in request.after), default=0)
        chain.update(dict.fromkeys(_numbers([request]), length))
    return max(chain.values())


def _depth(planned: Schedule) -> int:
    """Return the largest number of requests that the schedule runs one after the other."""
    match planned:
        case InOrder(parts=parts):
            return sum(map(_depth, parts))
        case AtOnce(parts=parts):
            return max(map(_depth, parts))
        case _:
            return 1


class _Followers:
    """Finds the requests that wait for a given request."""

    def __init__(self, waiting: tuple[PlannedRequest, ...], done: frozenset[int]) -> None:
        self._waiting = waiting
        self._done = done
        self._of: dict[int, list[int]] = {}
        for index, request in enumerate(waiting):
            for number in request.after:
                self._of.setdefault(number, []).append(index)

    def behind(self, first: PlannedRequest) -> tuple[PlannedRequest, ...]:
        """Return the requests that depend on `first` but on no other request with which the `Parallel` begins.

        Dependencies can be indirect. Dependencies on groups that are fetched before the schedule starts do not count.
        """
        settled = set(_numbers([first]))
        pending = [index for number in settled for index in self._of.get(number, ())]
        heapify(pending)
        own: dict[int, PlannedRequest] = {}
        while pending:
            index = heappop(pending)
            request = self._waiting[index]
            if index in own or not all(number in settled or number in self._done for number in request.after):
                continue
            own[index] = request
            numbers = _numbers([request])
            settled |= numbers
            for number in numbers:
                for follower in self._of.get(number, ()):
                    heappush(pending, follower)
        return tuple(own.values())


def _numbers(requests: Iterable[PlannedRequest]) -> frozenset[int]:
    return frozenset(group.number for request in requests for group in groups_in(request))


def _at_once(parts: list[Schedule]) -> Schedule | None:
    if len(parts) < 2:  # noqa: PLR2004 - a single part needs no `AtOnce`
        return parts[0] if parts else None
    return AtOnce(tuple(parts))


def in_order(*parts: Schedule | None) -> Schedule:
    """Return a schedule in which the parts run one after the other. Nested `InOrder` schedules are flattened."""
    flat: list[Schedule] = []
    for part in parts:
        if isinstance(part, InOrder):
            flat += part.parts
        elif part is not None:
            flat.append(part)
    return flat[0] if len(flat) == 1 else InOrder(tuple(flat))


def groups_of(planned: Schedule) -> Iterator[FetchGroup]:
    """Yield the groups of a schedule, in order of appearance."""
    if isinstance(planned, (FetchGroup, Batch)):
        yield from groups_in(planned)
    else:
        for part in planned.parts:
            yield from groups_of(part)


def split_first(planned: Schedule) -> tuple[FetchGroup, Schedule | None]:
    """Split a schedule that starts with a single group: return this group and the rest of the schedule.

    The rest is None if there are no other groups.
    """
    if isinstance(planned, FetchGroup):
        return planned, None
    assert not isinstance(planned, Batch)  # noqa: S101 - a root fetch comes before all entity fetches
    first, *rest = planned.parts
    assert isinstance(first, FetchGroup)  # noqa: S101 - one root field in one subgraph makes one first group
    return first, in_order(*rest)


def renumbered(planned: Schedule, numbers: Mapping[int, int]) -> Schedule:
    """Return a copy of the schedule, with new numbers for its groups."""
    if isinstance(planned, FetchGroup):
        return _renumbered(planned, numbers)
    if isinstance(planned, Batch):
        return Batch(tuple(_renumbered(group, numbers) for group in planned.groups))
    return replace(planned, parts=tuple(renumbered(part, numbers) for part in planned.parts))


def _renumbered(group: FetchGroup, numbers: Mapping[int, int]) -> FetchGroup:
    return replace(group, number=numbers[group.number], after=frozenset(numbers[number] for number in group.after))


def plan_node(planned: Schedule, write: Write, join: Join) -> PlanNode:
    """Return the plan node of a schedule. Nodes that share a condition are put inside one `Condition` node."""
    guards, node = _guarded_node(planned, write, join)
    return _under(guards, node)


def _guarded_node(planned: Schedule, write: Write, join: Join) -> tuple[Guards, PlanNode]:
    if isinstance(planned, FetchGroup):
        fetch = write(planned).fetch
        return common_guards(planned.tree), Flatten(planned.path, fetch) if planned.path else fetch
    if isinstance(planned, Batch):
        return _batch_node(planned, write, join)
    parts = [_guarded_node(part, write, join) for part in planned.parts]
    common = frozenset.intersection(*(guards for guards, _ in parts))
    if isinstance(planned, InOrder):
        runs = groupby(parts, key=lambda part: part[0] - common)
        nodes: list[PlanNode] = []
        for guards, run in runs:
            same = [node for _, node in run]
            nodes += [_under(guards, _sequence(same))] if guards else same
        return common, _sequence(nodes)
    together: dict[Guards, list[PlanNode]] = {}
    for guards, node in parts:
        together.setdefault(guards - common, []).append(node)
    beside = tuple(
        _under(guards, same[0] if len(same) == 1 or not guards else Parallel(tuple(same)))
        for guards, same in together.items()
        for same in ([same] if guards else [[node] for node in same])
    )
    return common, beside[0] if len(beside) == 1 else Parallel(beside)


def _batch_node(batch: Batch, write: Write, join: Join) -> tuple[Guards, BatchFetch]:
    """Return the guards that all fetches of the batch share, and the node of the batch.

    The other guards of a fetch become `Condition` nodes around this fetch, inside the batch.
    """
    guards = [common_guards(group.tree) for group in batch.groups]
    common = frozenset.intersection(*guards)
    parts: list[tuple[WrittenFetch, Flatten | Condition]] = []
    for group, own in zip(batch.groups, guards, strict=True):
        written = write(group)
        parts.append((written, _under(own - common, Flatten(group.path, written.fetch))))
    return common, join(parts)


def _sequence(nodes: list[PlanNode]) -> PlanNode:
    return nodes[0] if len(nodes) == 1 else Sequence(tuple(nodes))


def _under(guards: Guards, node: Node) -> Node | Condition:
    guarded: Node | Condition = node
    for variable, truth in sorted(guards, reverse=True):
        guarded = Condition(variable, if_clause=guarded) if truth else Condition(variable, else_clause=guarded)
    return guarded
