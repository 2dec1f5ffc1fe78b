"""`ResultsForShortTexts`: keeps the results of a function for short texts, such as the usual values of a header.

Clients choose the texts, so the memory is bounded: at most `MOST` texts of at most `longest` characters are kept. When
there are more, all are dropped, because clients that send many different texts gain nothing from a cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")

MOST: Final = 256
"""The maximum number of texts of one function."""

_ABSENT: Final = object()


class ResultsForShortTexts(Generic[R]):
    """Calls `function`, which must be pure, and keeps its results for texts of at most `longest` characters."""

    __slots__ = ("_function", "_longest", "_results")

    def __init__(self, function: Callable[[str], R], *, longest: int = 200) -> None:
        self._function = function
        self._longest = longest
        self._results: dict[str, R] = {}

    def __call__(self, text: str) -> R:
        """Return the result for `text`."""
        kept = self._results.get(text, _ABSENT)
        if kept is not _ABSENT:
            return kept  # type: ignore[return-value]  # only results are kept
        result = self._function(text)
        if len(text) <= self._longest:
            if len(self._results) >= MOST:
                self._results.clear()
            self._results[text] = result
        return result
