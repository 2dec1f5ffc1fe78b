"""The paths of the response at which something failed (execution §4).

A null with an error at it or below it is not a null of the data: the value is unknown. The same holds for everything
that a fetch which failed above it would have brought.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.errors import ResponseError, ResponsePath


@dataclass(slots=True)
class FailurePaths:
    """The paths of errors in `exact`, and every prefix of them in `prefixes`."""

    exact: set[ResponsePath] = field(default_factory=set)
    prefixes: set[ResponsePath] = field(default_factory=set)

    @classmethod
    def of(cls, errors: Iterable[ResponseError]) -> FailurePaths:
        """The paths of these errors; errors without a path are left out."""
        failures = cls()
        for error in errors:
            if error.path is not None:
                failures.add(error.path)
        return failures

    def add(self, path: ResponsePath) -> None:
        """Add the path of an error."""
        self.exact.add(path)
        self.prefixes.update(path[:length] for length in range(len(path) + 1))

    def within(self, path: ResponsePath) -> bool:
        """Whether there is an error at the path or below it."""
        return path in self.prefixes

    def above(self, path: ResponsePath) -> bool:
        """Whether there is an error above the path; an error at the root of the response is above every path."""
        return any(path[:length] in self.exact for length in range(len(path)))
