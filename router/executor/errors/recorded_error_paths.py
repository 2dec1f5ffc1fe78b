"""Record the paths of errors. These paths show which values could not be fetched (execution §4).

A value that could not be fetched is *unknown*. A null or missing value is unknown if an error has the path of the
value, or a path below the value. A missing value is also unknown if an error has a path above the value, because then
the fetch of the value failed. All other nulls are real values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.errors import ResponseError, ResponsePath


@dataclass(slots=True)
class RecordedErrorPaths:
    """The paths of errors (`exact`), and all prefixes of these paths (`prefixes`).

    An error at users.1 has the prefixes () (the root), users, and users.1 itself.
    """

    exact: set[ResponsePath] = field(default_factory=set)
    prefixes: set[ResponsePath] = field(default_factory=set)

    @classmethod
    def of(cls, errors: Iterable[ResponseError]) -> RecordedErrorPaths:
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
        """Return whether an error has the path `path` or a path below `path`."""
        return path in self.prefixes

    def above(self, path: ResponsePath) -> bool:
        """Return whether an error has a path above `path`. The empty path (the root) is above every other path."""
        return any(path[:length] in self.exact for length in range(len(path)))
