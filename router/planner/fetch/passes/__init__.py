"""Optimisation passes over fetch groups, repeated until none changes anything (planning §7.1).

A pass takes groups in waiting order and returns groups in waiting order: the same tuple if it changes nothing.
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
    """The groups after all passes. This ends, as every change removes a group or a dependency."""
    while True:
        before = groups
        for apply in PASSES:
            groups = apply(groups)
        if groups is before:
            return groups
