"""Cache the results of `reachability`, and prevent endless recursion if a check depends on its own result.

A *condition* is a `@requires` or a context selection whose fields the router must be able to fetch. A condition can
depend on itself. Example: a key contains a field with `@requires`, and the required fields can be fetched only by the
same key.

A condition is *open* while its check is running. If the same check is started again before it has ended, the inner
check returns False at once. This False is *provisional*, which means that it may be wrong. If a result depends on a
provisional False, the result is not cached.
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
    """The cache of one search. The docstring of the module explains the terms "condition", "open" and "provisional".

    Attributes:
        reachable: Position → all reachable positions of the same object.
        entries: Position → the results of `PositionGraph.entries`.
        requirements: Position, and coordinate of a field → whether the field's `@requires` can be fetched.
        growing: None if no reachable positions are being computed. Otherwise, position → the reachable positions of the
            same object that were found so far.
        open_conditions: The conditions whose check is running.
        provisional_results: How often a check returned a provisional False.
    """

    reachable: dict[Position, tuple[Position, ...]] = field(default_factory=dict)
    entries: dict[Position, Entries] = field(default_factory=dict)
    requirements: dict[tuple[Position, str], bool] = field(default_factory=dict)
    growing: dict[Position, tuple[Position, ...]] | None = None
    open_conditions: set[Hashable] = field(default_factory=set)
    provisional_results: int = 0

    @contextmanager
    def grow_together(self, position: Position) -> Iterator[dict[Position, tuple[Position, ...]]]:
        """Set `growing` while the `with` block computes the positions that are reachable from `position`.

        At the end of the block, the results are cached. Exception: if a condition is open, the results may depend on a
        provisional False, so they are not cached. The module's docstring explains these terms.
        """
        growing = self.growing = {position: (position,)}
        try:
            yield growing
        finally:
            self.growing = None
        if not self.open_conditions:
            self.reachable.update(growing)

    def is_open(self, condition: Hashable) -> bool:
        """Return whether the check of `condition` is already running.

        If the result is True, the caller must return a provisional False for the condition.
        """
        if condition in self.open_conditions:
            self.provisional_results += 1
            return True
        return False

    @contextmanager
    def checking(self, condition: Hashable) -> Iterator[None]:
        """Mark a condition as open while the `with` block runs."""
        self.open_conditions.add(condition)
        try:
            yield
        finally:
            self.open_conditions.discard(condition)

    def is_certain_since(self, provisional_results: int) -> bool:
        """Return whether a result is certain, so that it may be cached.

        A result is uncertain if a provisional False was returned while the result was computed. A result is also
        uncertain while the search for reachable positions is running.

        Args:
            provisional_results: The value that `self.provisional_results` had before the result was computed.
        """
        return self.provisional_results == provisional_results and self.growing is None
