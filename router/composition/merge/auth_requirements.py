"""Arithmetic of authorization requirements: `[["a", "b"], ["c"]]` reads "(a and b) or c".

Requirements of several subgraphs must all hold, so two are multiplied out:

    [["a"], ["b"]] and [["c"]]  ->  [["a", "c"], ["b", "c"]]

A list without alternatives asks for nothing and is neutral. An alternative that contains another one asks for more
than needed and is dropped.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Requirement = frozenset[frozenset[str]]

# Real requirements have a few alternatives. Products grow with the power of the number of factors, and finding the
# redundant alternatives with their square.
MAX_ALTERNATIVES = 1_000


class TooManyAlternativesError(Exception):
    """Multiplied out, the requirements have more than `MAX_ALTERNATIVES` alternatives."""


def requirement(value: object) -> Requirement:
    """From the Python value of a `[[String!]!]!` argument."""
    if not isinstance(value, list):
        return frozenset()
    return frozenset(frozenset(map(str, inner if isinstance(inner, list) else [inner])) for inner in value)


def conjunction(requirements: Iterable[Requirement]) -> Requirement:
    """All of them at once, in the fewest alternatives.

    Raises:
        TooManyAlternativesError
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
    """Whether whoever meets `stronger` meets `weaker`: each of its alternatives contains one of the other's."""
    if not weaker:
        return True
    if not stronger:
        return False
    return all(any(need <= have for need in weaker) for have in stronger)


def as_lists(value: Requirement) -> list[list[str]]:
    """Sorted, for printing."""
    return sorted(sorted(inner) for inner in value)
