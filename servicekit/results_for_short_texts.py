"""`ResultsForShortTexts`: keeps the results of a function for short texts, such as the usual values of a header.

Clients choose the texts, so the memory is bounded: at most `MAX_RESULTS` texts of `max_length` characters are kept.
When there are more, all are dropped, because clients that send many different texts gain nothing from a cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")

MAX_RESULTS: Final = 256
"""The maximum number of texts of one function."""

_ABSENT: Final = object()


class ResultsForShortTexts(Generic[R]):
    """Calls `function`, which must be pure, and keeps its results for texts of at most `max_length` characters."""

    __slots__ = ("_function", "_max_length", "_results")

    def __init__(self, function: Callable[[str], R], *, max_length: int = 200) -> None:
        self._function = function
        self._max_length = max_length
        self._results: dict[str, R] = {}

    def __call__(self, text: str) -> R:
        """Return the result for `text`."""
        kept = self._results.get(text, _ABSENT)
        if kept is not _ABSENT:
            return kept  # type: ignore[return-value]  # only results are kept
        result = self._function(text)
        if len(text) <= self._max_length:
            if len(self._results) >= MAX_RESULTS:
                self._results.clear()
            self._results[text] = result
        return result
