"""Merges fetches of one subgraph for the same objects if the plan does not become slower (planning §7.1).

In this example, `stock {inStock} after {a}` means: a fetch of `inStock` from the subgraph stock waits for fetch a.

    stock {inStock} after {a}, stock {fee} after {a, dims}   =>   stock {inStock fee} after {a, dims}

The merged fetch waits for all fetches that the first or the second fetch waits for, except for those that return only
types for a type condition, if the path of the merged fetch has no type condition. Fetches that waited for the first or
the second fetch now wait for the merged fetch.

Two fetches are merged only if the plan becomes cheaper and its longest chain of fetches does not become longer. In a
chain, each fetch waits for the fetch before it.

A merge changes only the stages of the merged fetch, and of the fetches that wait for the merged fetch. Therefore only
the costs of these fetches are computed again.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from router.plan import TypeIs
from router.planner.choose.plan_cost import fetch_cost
from router.planner.fetch.entity_fetch_sharing import can_select_all
from router.planner.fetch.fetch_groups import FetchGroup, can_share, in_waiting_order, stages
from router.planner.fetch.selection_trees import merge_trees
from router.planner.fetch.type_conditions_in_paths import common_path

if TYPE_CHECKING:
    from collections.abc import Iterable

Groups: TypeAlias = "tuple[FetchGroup, ...]"

# Many groups can fetch the same objects from one subgraph. After this number of failed attempts to merge two of these
# groups, the remaining groups are not merged.
MAX_TRIALS = 500


def merge_fetches_for_same_objects(groups: Groups) -> Groups:
    """Return the groups in waiting order, some of them merged. Return the same tuple if no groups are merged."""
    same: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for group in groups:
        if group.inputs:
            same.setdefault((group.subgraph, group.track), []).append(group.number)
    alike = [numbers for numbers in same.values() if len(numbers) > 1]
    if not alike:
        return groups
    merging = _Merging(groups)
    for numbers in alike:
        merging.merge_alike(numbers)
    return groups if len(merging.groups) == len(groups) else in_waiting_order(tuple(merging.groups.values()))


class _Merging:
    """Merges groups, and keeps track of the stages and the dependencies of all groups."""

    def __init__(self, groups: Groups) -> None:
        self.groups = {group.number: group for group in groups}
        self._stages = stages(groups)
        self._longest = max(self._stages.values())
        self._with_types = {group.number for group in groups if group.after_without_types is not None}
        self._followers: dict[int, set[int]] = {group.number: set() for group in groups}
        for group in groups:
            for number in group.after:
                self._followers[number].add(group.number)

    def merge_alike(self, numbers: Iterable[int]) -> None:
        """Merge each of these groups into an earlier group: the first one for which the merge makes the plan cheaper.

        If there is no such earlier group, the group stays as it is.
        """
        kept: list[int] = []
        trials = 0
        for second in numbers:
            for first in kept:
                if trials >= MAX_TRIALS:
                    return
                if self._merge(first, second):
                    break
                trials += 1
            else:
                kept.append(second)

    def _merge(self, first: int, second: int) -> bool:
        """Merge two groups and return True. Return False if the merge is impossible or the plan does not improve."""
        one, other = self.groups[first], self.groups[second]
        if not can_share([*one.inputs, *other.inputs]) or not can_select_all([*one.selections, *other.selections]):
            return False
        following = self._following(first, second)
        if first in following or second in following:
            return False
        moved = self._moved((one, other), following)
        before = sum(fetch_cost(self._stages[number]) for number in chain((first, second), following))
        if max(moved.values()) > self._longest or sum(map(fetch_cost, moved.values())) >= before:
            return False
        self._join(one, other)
        self._stages |= moved
        return True

    def _following(self, first: int, second: int) -> set[int]:
        """Return all groups that wait for one of the two groups, directly or indirectly."""
        found: set[int] = set()
        pending = [first, second]
        while pending:
            new = self._followers[pending.pop()] - found
            found |= new
            pending += new
        return found

    def _moved(self, pair: tuple[FetchGroup, FetchGroup], following: set[int]) -> dict[int, int]:
        """Return the new stage of the merged group, and of each group that waits for the merged group.

        The merged group has the number of the first group of `pair`.
        """
        one, other = pair
        after = _joined(one, other).after
        moved = {one.number: 1 + max((self._stages[number] for number in after), default=-1)}
        for number in sorted(following, key=lambda number: self._stages[number]):
            waits = (one.number if earlier == other.number else earlier for earlier in self.groups[number].after)
            moved[number] = 1 + max(moved.get(earlier, self._stages[earlier]) for earlier in waits)
        return moved

    def _join(self, one: FetchGroup, other: FetchGroup) -> None:
        joined = self.groups[one.number] = _joined(one, other)
        del self.groups[other.number]
        for number in one.after | other.after:
            self._followers[number] -= {one.number, other.number}
        for number in joined.after:
            self._followers[number].add(one.number)
        followers = self._followers.pop(other.number)
        self._followers[one.number] |= followers
        for number in chain(followers, self._with_types - followers):
            if number in self.groups:
                self.groups[number] = self.groups[number].waiting_for(one.number, other.number)


def _joined(one: FetchGroup, other: FetchGroup) -> FetchGroup:
    """Return the merged group. It does not wait for types if its path has no type condition."""
    path = common_path(one.path, other.path)
    needed = one.needed | other.needed
    after = one.after | other.after if any(isinstance(step, TypeIs) for step in path) else needed
    return replace(
        one,
        path=path,
        tree=merge_trees(one.tree, other.tree),
        inputs=(*one.inputs, *(entry for entry in other.inputs if entry not in one.inputs)),
        after=after,
        after_without_types=None if after == needed else needed,
        contexts=tuple(dict.fromkeys((*one.contexts, *other.contexts))),
        selections=tuple(dict.fromkeys((*one.selections, *other.selections))),
    )
