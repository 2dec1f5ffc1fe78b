"""Two fetches of one subgraph for the same objects, one of which waits longer, become one.

    stock {inStock} after {a}, stock {fee} after {a, dims}   =>   stock {inStock fee} after {a, dims}

Only when nothing waits for the earlier one: the answer is complete no later, since it needs the later fetch anyway.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

from router.planner.fetch.groups import FetchGroup, ancestors, can_share
from router.planner.fetch.trees import merge_trees

if TYPE_CHECKING:
    from collections.abc import Iterator


def fold_into_later(groups: tuple[FetchGroup, ...]) -> tuple[FetchGroup, ...]:
    for earlier, later in _candidates(groups):
        folded = replace(
            later,
            tree=merge_trees(later.tree, earlier.tree),
            inputs=(*later.inputs, *(entry for entry in earlier.inputs if entry not in later.inputs)),
        )
        return tuple(folded if group is later else group for group in groups if group is not earlier)
    return groups


def _candidates(groups: tuple[FetchGroup, ...]) -> Iterator[tuple[FetchGroup, FetchGroup]]:
    alike: dict[tuple[str, tuple[str, ...]], list[FetchGroup]] = {}
    for group in groups:
        if group.inputs:
            alike.setdefault((group.subgraph, group.track), []).append(group)
    above = ancestors(groups)
    waited_for = frozenset[int]().union(*(group.after for group in groups))
    for same in alike.values():
        for earlier, later in permutations(same, 2):
            if earlier.number in waited_for or not earlier.after <= above[later.number]:
                continue
            if can_share([*earlier.inputs, *later.inputs]):
                yield earlier, later
