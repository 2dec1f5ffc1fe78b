"""Record the paths of errors. These paths show which values could not be fetched (execution §4).

A null is a real value of the subgraph, or it stands for a value that could not be fetched (an *unknown* value). The
paths of errors distinguish these two cases. Example with an error at `user.address`:

    user.address      null or missing    unknown: the error has the same path
    user              null or missing    unknown: the error is below the value
    user.address.city missing            unknown: the error is above the value
    user.name         null               a real null
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.errors import ResponseError, ResponsePath


class RecordedErrorPaths(msgspec.Struct):
    """The paths of errors (`exact`), and all prefixes of these paths (`prefixes`).

    An error at users.1 has the prefixes () (the root), users, and users.1 itself.
    """

    exact: set[ResponsePath] = msgspec.field(default_factory=set)
    prefixes: set[ResponsePath] = msgspec.field(default_factory=set)

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
