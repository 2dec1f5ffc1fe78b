"""Optimise fetch groups in passes, until no pass changes anything (planning §7.1).

A pass is a function from groups to groups. The argument and the result are in *waiting order*: each group comes after
the groups that it waits for. A pass that changes nothing returns the same tuple.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from router.planner.fetch.passes.drop_implied_dependencies import drop_implied_dependencies
from router.planner.fetch.passes.merge_fetches_for_same_objects import merge_fetches_for_same_objects

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.planner.fetch.fetch_groups import FetchGroup

Groups: TypeAlias = "tuple[FetchGroup, ...]"
Optimisation: TypeAlias = "Callable[[Groups], Groups]"

PASSES: tuple[Optimisation, ...] = (merge_fetches_for_same_objects, drop_implied_dependencies)


def optimised(groups: Groups) -> Groups:
    """Return the groups after all passes. The loop ends because every change removes a group or a dependency."""
    while True:
        before = groups
        for apply in PASSES:
            groups = apply(groups)
        if groups is before:
            return groups
