"""Try other options for the leaves, to find a plan with the same number of fetches whose fields cost less.

A field in a fetch of stage 1 costs a hundred times as much as a field in a fetch of stage 0. So the second of these
plans, with more fields in the first fetch, is cheaper:

    fetch from a { order { id } },                        then from c { lines { id label weight } }     cost 101,503
    fetch from b { order { id lines { id label } } },     then from c { lines { weight } }              cost 101,307
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from router.planner.choose.break_ties_by_plan_cost import CheapestChoice
    from router.planner.choose.choice_of_options import Choice
    from router.planner.choose.combination_search import Assignment, CombinationSearch


def break_leaf_ties(
    search: CombinationSearch,
    assignment: Assignment,
    choice_of: Callable[[Assignment], Choice],
    cheapest: CheapestChoice,
) -> None:
    """Pass choices with the same rank as `assignment` to `cheapest.offer`, which keeps the best choice.

    `assignment` is the result of the search. If the search tried all combinations, all choices with this rank are
    passed. Otherwise, only neighbours are passed: assignments that differ little (see `combination_search`). The
    neighbours of `assignment` come first. If one of them is cheaper, its own neighbours come next.
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
