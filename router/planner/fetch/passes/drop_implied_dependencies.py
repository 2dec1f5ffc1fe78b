"""Drop dependencies that follow from others (planning §7.1).

c after {a, b}, b after {a}   =>   c after {b}
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from router.planner.fetch.fetch_groups import ancestors

if TYPE_CHECKING:
    from router.planner.fetch.fetch_groups import FetchGroup


def drop_implied_dependencies(groups: tuple[FetchGroup, ...]) -> tuple[FetchGroup, ...]:
    """The groups without a dependency on a group that another dependency waits for; the same tuple without any."""
    above = ancestors(groups)
    changed = False
    reduced: list[FetchGroup] = []
    for group in groups:
        implied = frozenset[int]().union(*(above[number] for number in group.after))
        needed = group.after - implied
        changed |= needed != group.after
        reduced.append(group if needed == group.after else replace(group, after=needed))
    return tuple(reduced) if changed else groups
