"""The paths of errors in the response, which tell an unknown value from a null of the data (execution §4).

A null is an unknown value if an error is at the null or below it. A missing value is unknown if an error is above it,
because the fetch for the value failed there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.errors import ResponseError, ResponsePath


@dataclass(slots=True)
class FailurePaths:
    """The paths of errors (`exact`), and all prefixes of these paths (`prefixes`)."""

    exact: set[ResponsePath] = field(default_factory=set)
    prefixes: set[ResponsePath] = field(default_factory=set)

    @classmethod
    def of(cls, errors: Iterable[ResponseError]) -> FailurePaths:
        """Collect the paths of these errors; errors without a path are ignored."""
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
        """Return whether an error is at the path or below the path."""
        return path in self.prefixes

    def above(self, path: ResponsePath) -> bool:
        """Return whether an error is above the path; an error at the root is above every other path."""
        return any(path[:length] in self.exact for length in range(len(path)))
