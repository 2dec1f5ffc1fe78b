"""Choose one option for every leaf, so that the plan costs least (planning §6.4).

Leaves with equal options are decided together. The number of fetches comes first (`combination_search`). Between
choices with equal fetches the cost of the whole plan decides: which fetch brings a leaf (`leaf_ties`), then where keys
are read (`key_ties`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.planner.choose.cheapest_choice import CheapestChoice
from router.planner.choose.choice import Choice
from router.planner.choose.combination_search import CombinationSearch
from router.planner.choose.key_tie_breaking import break_key_ties
from router.planner.choose.leaf_tie_breaking import break_leaf_ties

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.planner.choose.choice import Pricing
    from router.planner.choose.combination_search import Assignment
    from router.planner.search_bounds import Effort
    from router.planner.walk.nodes_and_options import Leaf, PathOption

# Building the fetches of one leaf, in units of work.
WORK_PER_LEAF: Final = 2


def choose(leaves: Sequence[Leaf], effort: Effort, pricing: Pricing) -> Choice:
    """Choose for each leaf one of its options.

    Args:
        leaves: what the walk found.
        effort: the work that is left; the choice is valid wherever it ends.
        pricing: builds the fetches of a choice and returns the cost of its plan.
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
