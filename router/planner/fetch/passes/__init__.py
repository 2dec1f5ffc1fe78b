"""Optimisation passes over fetch groups, run to a fixed point.

A pass takes the groups and gives groups: the very same tuple when it has nothing to do. Groups come after those they
wait for, before and after every pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from router.planner.fetch.passes.drop_implied_waits import drop_implied_waits
from router.planner.fetch.passes.merge_same_objects import merge_same_objects

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.planner.fetch.groups import FetchGroup

Groups: TypeAlias = "tuple[FetchGroup, ...]"
Optimisation: TypeAlias = "Callable[[Groups], Groups]"

PASSES: tuple[Optimisation, ...] = (merge_same_objects, drop_implied_waits)


def optimised(groups: Groups) -> Groups:
    """Apply all passes until none changes anything; every change removes a group or a wait, so this ends."""
    while True:
        before = groups
        for apply in PASSES:
            groups = apply(groups)
        if groups is before:
            return groups
