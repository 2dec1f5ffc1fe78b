"""Record the paths of errors, to distinguish a value that could not be fetched from a genuine null (execution §4).

A value is *unknown* if it could not be fetched. A null is unknown if an error has the path of the null, or a path below
the null. A missing value is unknown if an error has a path above the value, because the fetch for the value failed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.errors import ResponseError, ResponsePath


@dataclass(slots=True)
class FailurePaths:
    """The paths of errors (`exact`), and the set of all prefixes of these paths (`prefixes`).

    Each path is a prefix of itself, so `prefixes` contains `exact`.
    """

    exact: set[ResponsePath] = field(default_factory=set)
    prefixes: set[ResponsePath] = field(default_factory=set)

    @classmethod
    def of(cls, errors: Iterable[ResponseError]) -> FailurePaths:
        """Collect the paths of `errors`; errors without a path are ignored."""
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
        """Return whether an error has this path or a path below it."""
        return path in self.prefixes

    def above(self, path: ResponsePath) -> bool:
        """Return whether an error has a path above this path. The empty path (the root) is above every other path."""
        return any(path[:length] in self.exact for length in range(len(path)))
