"""Combine and compare authorization requirements, which are the arguments of `@requiresScopes` and `@policy`.

A requirement is a list of alternatives: `[["a", "b"], ["c"]]` means "(a and b) or c". `[]` means that nothing is
required.

A client must meet the requirements of all subgraphs. So requirements are combined with "and":

    [["a"], ["b"]] and [["c"]]  ->  [["a", "c"], ["b", "c"]]

If an alternative contains all parts of another alternative, the longer alternative is removed: `[["a"], ["a", "b"]]`
becomes `[["a"]]`.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Requirement = frozenset[frozenset[str]]

# The limit bounds memory and time. If n requirements have two alternatives each, their combination can have 2^n
# alternatives. The time to remove redundant alternatives grows with the square of their number. Real requirements have
# few alternatives.
MAX_ALTERNATIVES = 1_000


class TooManyAlternativesError(Exception):
    """Raised if combined requirements have more than `MAX_ALTERNATIVES` alternatives."""


def requirement(value: object) -> Requirement:
    """Convert the Python value of a `[[String!]!]!` argument, such as `[["a", "b"], ["c"]]`, to a `Requirement`."""
    if not isinstance(value, list):
        return frozenset()
    return frozenset(frozenset(map(str, inner if isinstance(inner, list) else [inner])) for inner in value)


def conjunction(requirements: Iterable[Requirement]) -> Requirement:
    """Combine requirements with "and": a client must meet all `requirements` in order to meet the result.

    Raises:
        TooManyAlternativesError: The result has too many alternatives.
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
    """Convert a requirement to sorted lists, so that equal requirements are always printed the same."""
    return sorted(sorted(inner) for inner in value)
