"""Break ties between the options of leaves: the choices have equally many fetches, but other fields in each fetch.

A field in a fetch of stage 1 costs a hundred times as much as a field in a fetch of stage 0:

    a { order { id } }                        then   c { lines { id label weight } }     101,503
    b { order { id lines { id label } } }     then   c { lines { weight } }              101,307
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from router.planner.choose.cheapest_choice import CheapestChoice
    from router.planner.choose.choice import Choice
    from router.planner.choose.combination_search import Assignment, CombinationSearch


def break_leaf_ties(
    search: CombinationSearch,
    assignment: Assignment,
    choice_of: Callable[[Assignment], Choice],
    cheapest: CheapestChoice,
) -> None:
    """Offer the choices with the same rank as the assignment that the search found.

    If the search tried all combinations, these are all such choices. Otherwise they are the neighbours of the
    assignment, then the neighbours of each cheaper neighbour.
    """
    ties: Iterable[Assignment] = search.ties
    seen = {assignment}
    improved = bool(search.ties)
    while improved:
        improved = False
        for tie in ties:
            candidate = search.earliest(tie)
            if candidate in seen:
                continue
            seen.add(candidate)
            if cheapest.offer(choice_of(candidate)):
                assignment, improved = candidate, True
            if cheapest.has_ended:
                return
        if search.is_exhaustive:
            return
        ties = search.tied_neighbours(assignment)
