"""Choose one option for each leaf, so that the plan costs least (planning §6.4).

The package docstrings of `choose` and `walk` define the terms.

Leaves that have the same list of options get the same option. First, `combination_search` looks for the choice with the
fewest fetches. Several choices can have this smallest number of fetches. Among them, the cost of the whole plan
decides: `try_other_leaf_options` tries other options for the leaves, and `try_other_hop_inputs` tries other inputs (key
fields) for the hops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.planner.choose.break_ties_by_plan_cost import CheapestChoice
from router.planner.choose.choice_of_options import Choice
from router.planner.choose.combination_search import CombinationSearch
from router.planner.choose.try_other_hop_inputs import break_key_ties
from router.planner.choose.try_other_leaf_options import break_leaf_ties

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.planner.choose.choice_of_options import Pricing
    from router.planner.choose.combination_search import Assignment
    from router.planner.search_bounds import Effort
    from router.planner.walk.nodes_and_options import Leaf, PathOption

# The units of work that computing the cost of a plan takes from the work budget, for each leaf of the plan.
WORK_PER_LEAF: Final = 2


def choose(leaves: Sequence[Leaf], effort: Effort, pricing: Pricing) -> Choice:
    """Choose one option for each leaf.

    Args:
        leaves: The leaves that the walk found.
        effort: The rest of the work budget. The result is a valid choice even if the budget is used up early.
        pricing: A function that returns the cost of the plan of a choice.
    """
    sets: dict[tuple[PathOption, ...], int] = {}
    numbers = [sets.setdefault(leaf.options, len(sets)) for leaf in leaves]
    option_sets = list(sets)
    search = CombinationSearch(option_sets, effort)

    def choice_of(assignment: Assignment) -> Choice:
        options = tuple(option_sets[number][assignment[number]] for number in numbers)
        return Choice(options, search.fetches_of(assignment))

    assignment = search.run()
    cheapest = CheapestChoice(choice_of(assignment), pricing, WORK_PER_LEAF * len(leaves), effort)
    break_leaf_ties(search, assignment, choice_of, cheapest)
    break_key_ties(cheapest)
    return cheapest.choice
