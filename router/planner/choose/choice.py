"""The choice of one option for every leaf, so that the plan costs least.

Leaves with equal options are decided together. The number of fetches comes first (`combination_search`); between
choices with equal fetches the cost of the whole plan decides (`tie_breaking`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from router.planner.choose.combination_search import CombinationSearch
from router.planner.choose.tie_breaking import TieBreaking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router.planner.bounds import Effort
    from router.planner.choose.combination_search import Assignment
    from router.planner.choose.cost import PlanCost
    from router.planner.choose.fetch_costing import FetchCosting
    from router.planner.walk.nodes import Leaf, PathOption


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen option of every leaf, and the fetches that follow from them."""

    options: tuple[PathOption, ...]
    costing: FetchCosting


Pricing: TypeAlias = "Callable[[Choice], PlanCost]"

# Building the fetches of one leaf, in units of work.
WORK_PER_LEAF = 2


def choose(leaves: Sequence[Leaf], effort: Effort, pricing: Pricing) -> Choice:
    """Choose for each leaf one of its options.

    Args:
        leaves: what the walk found.
        effort: the work that is left; the choice is valid wherever it ends.
        pricing: builds the fetches of a choice and tells the cost of its plan.
    """
    sets: dict[tuple[PathOption, ...], int] = {}
    numbers = [sets.setdefault(leaf.options, len(sets)) for leaf in leaves]
    option_sets = list(sets)
    search = CombinationSearch(option_sets, effort)

    def choice(assignment: Assignment) -> Choice:
        options = tuple(option_sets[number][assignment[number]] for number in numbers)
        return Choice(options, search.costing(assignment))

    best = search.run()
    if search.ties:
        ties = TieBreaking(search, lambda assignment: pricing(choice(assignment)), WORK_PER_LEAF * len(leaves), effort)
        best = ties.cheapest(best)
    return choice(best)
