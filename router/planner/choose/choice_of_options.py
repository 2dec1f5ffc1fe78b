"""The result of choosing: one option for each leaf, and the fetches that these options need."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from router.planner.choose.fetches_of_chosen_options import ChosenFetches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.planner.choose.choose_hop_inputs import Inputs
    from router.planner.choose.plan_cost import PlanCost
    from router.planner.walk.nodes_and_options import PathOption


class Choice(msgspec.Struct, frozen=True, eq=False):
    """The chosen option of each leaf, in the order of the leaves, and the fetches that these options need."""

    options: tuple[PathOption, ...]
    chosen_fetches: ChosenFetches

    def with_inputs(self, inputs: Mapping[PathOption, Inputs]) -> Choice:
        """Return a choice with the same options, in which the hops use `inputs`."""
        return Choice(self.options, ChosenFetches(self.options, inputs))


# A function that completes the plan of a choice and returns the cost of this plan.
Pricing: TypeAlias = "Callable[[Choice], PlanCost]"
