"""Combine and compare authorization requirements: `[["a", "b"], ["c"]]` means "(a and b) or c".

A client must meet the requirements of all subgraphs, so their alternatives are combined:

    [["a"], ["b"]] and [["c"]]  ->  [["a", "c"], ["b", "c"]]

An empty list means that nothing is required. An alternative that contains another alternative is redundant, and is
dropped: `[["a"], ["a", "b"]]` becomes `[["a"]]`.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Requirement = frozenset[frozenset[str]]

# Real requirements have a few alternatives. The number of alternatives grows exponentially with the number of combined
# requirements, and the time to find redundant alternatives grows with the square of their number.
MAX_ALTERNATIVES = 1_000


class TooManyAlternativesError(Exception):
    """The combined requirements have more than `MAX_ALTERNATIVES` alternatives."""


def requirement(value: object) -> Requirement:
    """Convert the Python value of a `[[String!]!]!` argument to a requirement."""
    if not isinstance(value, list):
        return frozenset()
    return frozenset(frozenset(map(str, inner if isinstance(inner, list) else [inner])) for inner in value)


def conjunction(requirements: Iterable[Requirement]) -> Requirement:
    """Return the requirement that a client meets if it meets all of these requirements.

    Raises:
        TooManyAlternativesError: The combined requirement has too many alternatives.
    """
    return reduce(_both, requirements, frozenset())


def _both(left: Requirement, right: Requirement) -> Requirement:
    if not left or not right:
        return _minimal(left or right)
    if len(left) * len(right) > MAX_ALTERNATIVES:
        raise TooManyAlternativesError
    return _minimal(frozenset(one | other for one in left for other in right))


def _minimal(value: Requirement) -> Requirement:
    return frozenset(one for one in value if not any(other < one for other in value))


def implies(stronger: Requirement, weaker: Requirement) -> bool:
    """Return whether every client that meets `stronger` also meets `weaker`."""
    if not weaker:
        return True
    if not stronger:
        return False
    return all(any(need <= have for need in weaker) for have in stronger)


def as_lists(value: Requirement) -> list[list[str]]:
    """Return the alternatives as sorted lists, for printing."""
    return sorted(sorted(inner) for inner in value)
