"""A choice: one option for every leaf, and the fetches that follow from them."""

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
    """The chosen option of every leaf, in the order of the leaves, and their fetches."""

    options: tuple[PathOption, ...]
    chosen_fetches: ChosenFetches

    def with_inputs(self, inputs: Mapping[PathOption, Inputs]) -> Choice:
        """The same options, with fetches behind keys that read their keys as given."""
        return Choice(self.options, ChosenFetches(self.options, inputs))


# Builds the fetches of a choice and returns the cost of its plan.
Pricing: TypeAlias = "Callable[[Choice], PlanCost]"
