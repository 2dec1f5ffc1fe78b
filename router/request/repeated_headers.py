"""Headers that many requests have, with what was computed from them.

A client repeats its headers on a connection, and all fetches of a request usually have the same headers. What depends
on the headers alone is then computed once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

R = TypeVar("R")

_ABSENT: Final = object()


class RepeatedHeaders(dict[str, str]):
    """Headers by name, for several requests. They must not be changed.

    `results` has the results of pure functions, by function (`computed_once`). A copy of the headers has no results.
    """

    __slots__ = ("results",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(headers)
        self.results: dict[Callable[[Mapping[str, str]], object], Any] = {}


def computed_once(function: Callable[[Mapping[str, str]], R], headers: Mapping[str, str]) -> R:
    """Return the result of `function`, which must be pure, for `headers`. For `RepeatedHeaders`, it is called once.

    As long as a client's connection is open, its headers keep the function, and the object of a method. Such an object
    must be small.
    """
    if not isinstance(headers, RepeatedHeaders):
        return function(headers)
    result: R = headers.results.get(function, _ABSENT)
    if result is _ABSENT:
        result = headers.results[function] = function(headers)
    return result
