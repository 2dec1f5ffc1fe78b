"""Where in the response something failed, by path (§4).

A null *at* which or *below* which there is an error is no null of the data: the value is unknown. So is what a fetch
that failed *above* it was to bring.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.errors import ResponseError, ResponsePath


@dataclass(slots=True)
class Failures:
    """Paths with errors, and every prefix of them."""

    exact: set[ResponsePath] = field(default_factory=set)
    prefixes: set[ResponsePath] = field(default_factory=set)

    @classmethod
    def of(cls, errors: Iterable[ResponseError]) -> Failures:
        failures = cls()
        for error in errors:
            if error.path is not None:
                failures.add(error.path)
        return failures

    def add(self, path: ResponsePath) -> None:
        self.exact.add(path)
        self.prefixes.update(path[:length] for length in range(len(path) + 1))

    def within(self, path: ResponsePath) -> bool:
        """Whether an error stands at the path or below it."""
        return path in self.prefixes

    def above(self, path: ResponsePath) -> bool:
        """Whether an error stands above the path; the root of the response is above every path."""
        return any(path[:length] in self.exact for length in range(len(path)))
