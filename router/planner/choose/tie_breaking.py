"""Among assignments with equal fetches the one whose plan costs least, fields included.

Two plans with the same number of fetches can differ in what later fetches bring. A field of a later fetch costs a
hundred times as much as one of a first fetch:

    a { order { id } }                        then   c { lines { id label weight } }     101,503
    b { order { id lines { id label } } }     then   c { lines { weight } }              101,306

So the plans themselves are compared: the fetches of each tied assignment are built and their fields counted. Another
assignment wins only if its plan costs less, has no more fetches and no more of them in a row. The work is bounded apart
from that of the search (planning §6.5): where it ends, the best plan so far is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from router.planner.bounds import Effort
    from router.planner.choose.combination_search import Assignment, CombinationSearch
    from router.planner.choose.cost import PlanCost

# The cost of the plan of an assignment, and a unit of work for each of its leaves.
PlanPrice: TypeAlias = "Callable[[Assignment], PlanCost]"


class TieBreaking:
    """Compares tied assignments; `work_of_price` is what one call of `price` takes."""

    def __init__(self, search: CombinationSearch, price: PlanPrice, work_of_price: int, effort: Effort) -> None:
        self._search = search
        self._price = price
        self._work_of_price = work_of_price
        self._effort = effort
        self._known: dict[Assignment, PlanCost] = {}

    def cheapest(self, assignment: Assignment) -> Assignment:
        """The assignment, or one with the same number of fetches whose plan costs less."""
        best = self._cheapest_of(assignment, self._search.ties)
        if self._search.is_exhaustive:
            return best
        while best != assignment:
            assignment = best
            best = self._cheapest_of(assignment, self._search.tied_neighbours(assignment))
        return best

    def _cheapest_of(self, best: Assignment, ties: Iterable[Assignment]) -> Assignment:
        for tie in ties:
            if not self._effort.affords_tie(2 * self._search.work_of_trial):
                break
            candidate = self._search.earliest(tie)
            if candidate == best or candidate in self._known:
                continue
            cost = self._cost(candidate)
            lowest = self._cost(best)
            if cost is None or lowest is None:
                break
            if cost.improves_on(lowest):
                best = candidate
        return best

    def _cost(self, assignment: Assignment) -> PlanCost | None:
        """The cost of a plan, None if the work budget is used up."""
        known = self._known.get(assignment)
        if known is None and self._effort.affords_tie(self._work_of_price):
            known = self._known[assignment] = self._price(assignment)
        return known
