"""Cached results of one search, and the conditions that the search is checking at the moment.

Positions, requirements and contexts can depend on each other in a cycle: a key can need a field whose requirements need
that key. If a condition is checked again while its check is running, the inner check returns False. This result is
*provisional*: it may be wrong, so a result that depends on it is not cached.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from graphql.language import SelectionSetNode

    from router.composition.satisfiability.position_graph import Position

Entries = tuple[tuple["Position", tuple["SelectionSetNode | None", ...]], ...]


@dataclass(slots=True)
class ReachabilityCache:
    """The cache of one search.

    Attributes:
        reachable: Position → all reachable positions of the same object.
        entries: Position → the positions of the same object in other subgraphs, with their keys.
        requirements: Position and field → whether the field's `@requires` can be fetched.
        growing: While reachable positions are computed, position → the positions found so far; otherwise None.
        open_conditions: The requirements and context selections that are being checked.
        provisional_results: How many times a check returned False because the same check was running.
    """

    reachable: dict[Position, tuple[Position, ...]] = field(default_factory=dict)
    entries: dict[Position, Entries] = field(default_factory=dict)
    requirements: dict[tuple[Position, str], bool] = field(default_factory=dict)
    growing: dict[Position, tuple[Position, ...]] | None = None
    open_conditions: set[Hashable] = field(default_factory=set)
    provisional_results: int = 0

    @contextmanager
    def grow_together(self, position: Position) -> Iterator[dict[Position, tuple[Position, ...]]]:
        """Start a computation of reachable positions; cache the result at the end if no condition is open."""
        growing = self.growing = {position: (position,)}
        try:
            yield growing
        finally:
            self.growing = None
        if not self.open_conditions:
            self.reachable.update(growing)

    def is_open(self, condition: Hashable) -> bool:
        """Return whether the condition is being checked already. Then the caller returns a provisional False."""
        if condition in self.open_conditions:
            self.provisional_results += 1
            return True
        return False

    @contextmanager
    def checking(self, condition: Hashable) -> Iterator[None]:
        """Mark the condition as open while the block runs."""
        self.open_conditions.add(condition)
        try:
            yield
        finally:
            self.open_conditions.discard(condition)

    def is_certain_since(self, provisional_results: int) -> bool:
        """Return whether `provisional_results` is still this count, and no reachable positions are being computed."""
        return self.provisional_results == provisional_results and self.growing is None
