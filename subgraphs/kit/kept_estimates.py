"""Keeps what was found out about an operation, so that a repeated operation is not measured and estimated again.

The estimate depends on a few variables, such as `first`. Which ones they are is seen when they are read: if the same
variables have the same values again, the estimate is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

# The number of estimates that are kept for an operation: a list has few usual sizes.
MAX_ESTIMATES: Final = 8
_ABSENT: Final = object()


class KeptEstimates:
    """The checks of one operation of one document.

    Attributes:
        is_checked: whether the size and the root fields of the operation are within the limits.
    """

    __slots__ = ("_estimates", "is_checked")

    def __init__(self) -> None:
        self.is_checked = False
        # Each estimate with the variables that it depends on.
        self._estimates: list[tuple[dict[str, object], int]] = []

    def get(self, variables: Mapping[str, Any], compute: Callable[[Mapping[str, Any]], int]) -> int:
        """Return the estimate for `variables`. `compute` must be pure. It is called for variables with other values."""
        for read, estimate in self._estimates:
            if all(_is_same(value, variables.get(name, _ABSENT)) for name, value in read.items()):
                return estimate
        recorded = _RecordedReads(variables)
        estimate = compute(recorded)
        if not any(isinstance(value, list | dict) for value in recorded.read.values()):
            self._estimates = [(recorded.read, estimate), *self._estimates[: MAX_ESTIMATES - 1]]
        return estimate


def _is_same(value: object, other: object) -> bool:
    return type(value) is type(other) and value == other


class _RecordedReads(Mapping[str, Any]):
    """Variables that remember which of them were read, with their values."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self.read: dict[str, object] = {}

    def __getitem__(self, name: str) -> Any:
        self.read[name] = self._variables.get(name, _ABSENT)
        return self._variables[name]

    def __contains__(self, name: object) -> bool:
        if isinstance(name, str):
            self.read[name] = self._variables.get(name, _ABSENT)
        return name in self._variables

    def __iter__(self) -> Iterator[str]:
        raise TypeError("variables are read by name")

    def __len__(self) -> int:
        return len(self._variables)
