"""Adds type conditions to the path of a fetch, and finds the path for the objects of two fetches (planning §6.3).

items.@.author    for books and films         =>   items.@|[Book,Film].author
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from router.plan import Key, TypeIs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.plan import Path, PathStep


def with_type_conditions(path: Path, conditions: Sequence[frozenset[str]]) -> Path:
    """Return the path with a type condition for each object on it, from the operation root on.

    An empty condition allows all types. A type condition that the path already has is kept.
    """
    steps: list[PathStep] = []
    places = count()
    for step in path:
        if isinstance(step, Key):
            types = conditions[next(places)]
            if types and not (steps and isinstance(steps[-1], TypeIs)):
                steps.append(TypeIs(tuple(sorted(types))))
        steps.append(step)
    return tuple(steps)


def common_path(first: Path, second: Path) -> Path:
    """Return the path that leads to all objects of both paths. The paths differ only in their type conditions."""
    if first == second:
        return first
    conditions = zip(_conditions(first), _conditions(second), strict=True)
    return with_type_conditions(
        tuple(step for step in first if not isinstance(step, TypeIs)),
        [one | other if one and other else frozenset() for one, other in conditions],
    )


def _conditions(path: Iterable[PathStep]) -> list[frozenset[str]]:
    """Return the type condition before each response key of the path. An empty condition allows all types."""
    found: list[frozenset[str]] = []
    here: frozenset[str] = frozenset()
    for step in path:
        if isinstance(step, TypeIs):
            here = frozenset(step.types)
        elif isinstance(step, Key):
            found.append(here)
            here = frozenset()
    return found
