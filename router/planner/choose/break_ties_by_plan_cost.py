"""Compare choices with equally many fetches by the cost of their whole plans, and keep the cheapest choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.planner.choose.choice_of_options import Choice, Pricing
    from router.planner.choose.plan_cost import PlanCost
    from router.planner.search_bounds import Effort


class CheapestChoice:
    """Compares choices. `choice` is the cheapest choice so far.

    The comparisons have their own work budget (planning §6.5). When this budget is used up, `has_ended` becomes
    true, and `choice` no longer changes.
    """

    def __init__(self, choice: Choice, pricing: Pricing, work_of_pricing: int, effort: Effort) -> None:
        self.choice = choice
        self.has_ended = False
        self._pricing = pricing
        self._work_of_pricing = work_of_pricing
        self._effort = effort
        self._cost: PlanCost | None = None

    def offer(self, candidate: Choice) -> bool:
        """Replace `choice` by the candidate if the candidate is better. Return whether `choice` was replaced.

        A candidate is better if its plan costs less and has neither more fetches nor more stages.
        """
        if self._cost is None:
            self._cost = self._cost_of(self.choice)
        cost = self._cost_of(candidate)
        if self._cost is None or cost is None or not cost.improves_on(self._cost):
            return False
        self.choice, self._cost = candidate, cost
        return True

    def _cost_of(self, choice: Choice) -> PlanCost | None:
        if self.has_ended or not self._effort.affords_tie(self._work_of_pricing):
            self.has_ended = True
            return None
        return self._pricing(choice)
