"""What one search over the positions remembers: results that hold, and the questions it is answering right now.

Positions, requirements and contexts depend on each other, in circles too: a key can need a field whose requirements
need that key. A question that is asked again while it is being answered gets the answer "no" for now. A result that
used such an answer may be too small, so it is not kept.
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
    """The memory of one search.

    Attributes:
        reachable: Position → every position of the same object, kept for good.
        entries: Position → the positions in other subgraphs, with the keys that lead there.
        requirements: Position and field → whether the field's `@requires` can be fetched, kept for good.
        growing: Positions whose reachable positions are computed together right now, with those found so far. None
            outside of such a computation.
        open_questions: The requirements and context selections that are being checked right now.
        provisional_answers: How many times an open question was answered "no" because it was asked again.
    """

    reachable: dict[Position, tuple[Position, ...]] = field(default_factory=dict)
    entries: dict[Position, Entries] = field(default_factory=dict)
    requirements: dict[tuple[Position, str], bool] = field(default_factory=dict)
    growing: dict[Position, tuple[Position, ...]] | None = None
    open_questions: set[Hashable] = field(default_factory=set)
    provisional_answers: int = 0

    @contextmanager
    def grow_together(self, position: Position) -> Iterator[dict[Position, tuple[Position, ...]]]:
        """Begin a computation of reachable positions from this one; keep the result unless it is provisional."""
        growing = self.growing = {position: (position,)}
        try:
            yield growing
        finally:
            self.growing = None
        if not self.open_questions:
            self.reachable.update(growing)

    def is_open(self, question: Hashable) -> bool:
        """Whether the question is being answered right now; the caller then answers "no" for now."""
        if question in self.open_questions:
            self.provisional_answers += 1
            return True
        return False

    @contextmanager
    def answering(self, question: Hashable) -> Iterator[None]:
        """Mark the question as open."""
        self.open_questions.add(question)
        try:
            yield
        finally:
            self.open_questions.discard(question)

    def is_certain_since(self, provisional_answers: int) -> bool:
        """Whether no provisional answer was given since this count, and no reachable positions are still growing."""
        return self.provisional_answers == provisional_answers and self.growing is None
