"""`EstimatesByVariables`: caches the estimates of one operation by the values of the variables on which they depend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

T = TypeVar("T")

MAX_ESTIMATES: Final = 64
"""The maximum number of cached estimates of one operation. Each combination of values has its own estimate."""


class _Absent:
    """Stands for a variable that the client does not send. Unlike null, such a variable has its default value."""


_ABSENT: Final = _Absent()
# Values of other types, such as texts, can be large. Estimates rarely depend on them, and they are not cached.
_CACHED: Final = frozenset({int, bool, type(None), _Absent})


class EstimatesByVariables(Generic[T]):
    """The estimates of one operation. `names` has the variables on which the function `estimate` depends."""

    __slots__ = ("_estimate", "_known", "_names")

    def __init__(self, names: Iterable[str], estimate: Callable[[Mapping[str, object]], T]) -> None:
        self._names = tuple(sorted(set(names)))
        self._estimate = estimate
        self._known: dict[Hashable, T] = {}

    def of(self, variables: Mapping[str, object]) -> T:
        """Return the estimate with the variables of a request."""
        values = [variables.get(name, _ABSENT) for name in self._names]
        types = [*map(type, values)]
        if not _CACHED.issuperset(types):
            return self._estimate(variables)
        key = (*values, *types)  # True and 1 are equal, but only 1 is the size of a list
        found = self._known.get(key)
        if found is None:
            found = self._estimate(variables)
            if len(self._known) < MAX_ESTIMATES:
                self._known[key] = found
        return found
