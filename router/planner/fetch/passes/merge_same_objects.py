"""Fetches of one subgraph for the same objects become one, where the plan is none the slower for it.

    stock {inStock} after {a}, stock {fee} after {a, dims}   =>   stock {inStock fee} after {a, dims}

The one fetch waits for what both waited for, and what waited for either now waits for it. By Apollo's measure (a fetch
is dearer the more fetches in a row it waits for) that must not cost more, and the longest chain must not grow.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from router.planner.fetch.groups import FetchGroup, ancestors, can_share, in_waiting_order, plan_cost
from router.planner.fetch.trees import merge_trees

if TYPE_CHECKING:
    from collections.abc import Iterator

Groups: TypeAlias = "tuple[FetchGroup, ...]"

# Every trial looks at the whole plan; a plan with more groups of the same objects than this allows keeps some apart.
TRIALS = 500


def merge_same_objects(groups: Groups) -> Groups:
    trials = 0
    for first, second in _alike(groups):
        if first.number in ancestors(groups)[second.number] or not can_share([*first.inputs, *second.inputs]):
            continue
        merged = _merged(groups, first, second)
        if plan_cost(merged) < plan_cost(groups):
            return merged
        trials += 1
        if trials >= TRIALS:
            break
    return groups


def _alike(groups: Groups) -> Iterator[tuple[FetchGroup, FetchGroup]]:
    """Pairs of entity fetches that could be one, the second after the first."""
    same: dict[tuple[str, tuple[str, ...]], list[FetchGroup]] = {}
    for group in groups:
        if group.inputs:
            others = same.setdefault((group.subgraph, group.track), [])
            for other in others:
                yield other, group
            others.append(group)


def _merged(groups: Groups, first: FetchGroup, second: FetchGroup) -> Groups:
    together = replace(
        first,
        tree=merge_trees(first.tree, second.tree),
        inputs=(*first.inputs, *(entry for entry in second.inputs if entry not in first.inputs)),
        after=first.after | second.after,
        contexts=tuple(dict.fromkeys((*first.contexts, *second.contexts))),
    )
    kept: list[FetchGroup] = []
    for group in groups:
        if group is first:
            kept.append(together)
        elif second.number in group.after:
            kept.append(replace(group, after=group.after - {second.number} | {first.number}))
        elif group is not second:
            kept.append(group)
    return in_waiting_order(kept)
