"""A choice: one option for each leaf, and the fetches that follow from these options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from router.planner.choose.chosen_fetches import ChosenFetches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.planner.choose.chosen_paths import Inputs
    from router.planner.choose.plan_cost import PlanCost
    from router.planner.walk.nodes_and_options import PathOption


@dataclass(frozen=True, eq=False, slots=True)
class Choice:
    """The chosen option of each leaf, in the order of the leaves, and the fetches of these options."""

    options: tuple[PathOption, ...]
    chosen_fetches: ChosenFetches

    def with_inputs(self, inputs: Mapping[PathOption, Inputs]) -> Choice:
        """Return a choice with the same options, in which hops have these inputs."""
        return Choice(self.options, ChosenFetches(self.options, inputs))


# Plans the fetches of a choice completely and returns the cost of the plan.
Pricing: TypeAlias = "Callable[[Choice], PlanCost]"
