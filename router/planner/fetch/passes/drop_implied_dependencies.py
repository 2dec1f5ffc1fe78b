"""Drops the dependencies between fetch groups that follow from other dependencies (planning §7.1).

In this example, `c after {a, b}` means that group c waits for the groups a and b:

c after {a, b}, b after {a}   =>   c after {b}, b after {a}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from router.planner.fetch.fetch_groups import ancestors

if TYPE_CHECKING:
    from router.planner.fetch.fetch_groups import FetchGroup


def drop_implied_dependencies(groups: tuple[FetchGroup, ...]) -> tuple[FetchGroup, ...]:
    """Return the groups without implied dependencies. Return the same tuple if no dependency is implied."""
    above = ancestors(groups)
    changed = False
    reduced: list[FetchGroup] = []
    for group in groups:
        implied = frozenset[int]().union(*(above[number] for number in group.after))
        needed = group.after - implied
        changed |= needed != group.after
        reduced.append(group if needed == group.after else replace(group, after=needed))
    return tuple(reduced) if changed else groups
