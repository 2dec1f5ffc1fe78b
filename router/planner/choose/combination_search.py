"""Search for the combination of options with the fewest fetches. A fetch at a later stage costs more.

The search begins with a greedy choice: first for leaves with one option, then for leaves with two options, and so on.
If there are at most 128 combinations of options, the search then tries all combinations. Otherwise the search tries the
*neighbours* of the best assignment so far: assignments that avoid a fetch, or use one fetch for as many leaves as
possible, or change the option of one leaf. The search ends when no neighbour is better. The work is bounded (planning
§6.5).

    options of the leaves:    id: a or b     name: b     size: b or c
    greedy choice:            id: b          name: b     size: b          one fetch
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final, TypeAlias

from router.planner.choose.choose_hop_inputs import ChosenPaths
from router.planner.choose.fetches_of_chosen_options import ChosenFetches
from router.planner.walk.nodes_and_options import fetch_start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from router.planner.search_bounds import Effort
    from router.planner.walk.nodes_and_options import FetchId, PathOption

# For each option set, the index of the chosen option.
Assignment: TypeAlias = tuple[int, ...]
Rank: TypeAlias = tuple[int, int]

# If there are at most this many combinations, the search tries all combinations.
EXHAUSTIVE_COMBINATIONS: Final = 128
# How many comparisons of options count as one unit of the work budget.
COMPARED_PER_WORK: Final = 2


class CombinationSearch:
    """Finds the best assignment. An assignment chooses one option from each option set.

    An option set is the list of options of a leaf. Leaves with the same options share one option set.

    After `run`, the attribute `ties` has the other assignments that `run` found to be equally good (equal rank).
    """

    def __init__(self, option_sets: Sequence[tuple[PathOption, ...]], effort: Effort) -> None:
        self.ties: list[Assignment] = []
        self._option_sets = option_sets
        self._free = [number for number, options in enumerate(option_sets) if len(options) > 1]
        self._effort = effort
        self._compared = 0

    @property
    def is_exhaustive(self) -> bool:
        """Whether there are so few combinations that the search tries all of them."""
        return prod(len(self._option_sets[number]) for number in self._free) <= EXHAUSTIVE_COMBINATIONS

    def run(self) -> Assignment:
        """Return the best assignment found."""
        greedy = self._greedy()
        if not self._free:
            return greedy
        return self.earliest(self._exhaustive(greedy) if self.is_exhaustive else self._improve(greedy))

    def fetches_of(self, assignment: Assignment) -> ChosenFetches:
        """Return the fetches of an assignment."""
        return ChosenFetches(options[index] for options, index in zip(self._option_sets, assignment, strict=True))

    def earliest(self, assignment: Assignment) -> Assignment:
        """Return `assignment`, with each leaf moved to the earliest fetch that can return the leaf.

        An earlier fetch is better, because the subgraph of a later fetch may not have the object. Leaves are moved only
        to fetches that `assignment` already needs. If the moves make the rank worse, return `assignment` unchanged.
        """
        chosen_fetches = self.fetches_of(assignment)
        fetched = chosen_fetches.fetched
        earliest = list(assignment)
        for number in self._free:
            options, chosen = self._option_sets[number], assignment[number]
            fetched_options = [index for index, option in enumerate(options) if fetch_start(option).fetch_id in fetched]
            earliest[number] = min(
                fetched_options, key=lambda index: (options[index].stage, index != chosen), default=chosen
            )
        moved = tuple(earliest)
        return assignment if moved == assignment or self.fetches_of(moved).rank > chosen_fetches.rank else moved

    def tied_neighbours(self, assignment: Assignment) -> Iterator[Assignment]:
        """Yield each neighbour (see `_neighbours`) that has the same rank as `assignment`.

        Stop when the work budget is used up.
        """
        rank = self._rank_of(assignment)
        for candidate in self._neighbours(assignment):
            if not self._effort.affords_tie(self._work_of_rank):
                return
            if self._rank_of(candidate) == rank:
                yield candidate

    def _greedy(self) -> Assignment:
        assignment = [0] * len(self._option_sets)
        chosen = ChosenPaths(forced[0] for forced in self._option_sets if len(forced) == 1)
        for number in sorted(self._free, key=lambda number: len(self._option_sets[number])):
            chosen.decide_hops(weigh_costs=False)
            options = self._option_sets[number]
            option = chosen.cheapest(options)
            chosen.add(option)
            assignment[number] = options.index(option)
        return tuple(assignment)

    def _affordable_rank(self, assignment: Assignment) -> Rank | None:
        """Return the rank of an assignment. Return None if the work budget is used up."""
        return self._rank_of(assignment) if self._effort.affords(self._work_of_rank) else None

    @property
    def _work_of_rank(self) -> int:
        """Estimate the work to compute the rank of an assignment, in units of the work budget.

        The estimate is one unit for each option set, and one unit for every `COMPARED_PER_WORK` comparisons of options
        that the previous rank took.
        """
        return len(self._option_sets) + self._compared // COMPARED_PER_WORK

    def _rank_of(self, assignment: Assignment) -> Rank:
        chosen_fetches = self.fetches_of(assignment)
        self._compared = chosen_fetches.compared
        return chosen_fetches.rank

    def _exhaustive(self, greedy: Assignment) -> Assignment:
        best, best_rank = greedy, self._rank_of(greedy)
        for combination in product(*(range(len(self._option_sets[number])) for number in self._free)):
            moved = list(greedy)
            for number, index in zip(self._free, combination, strict=True):
                moved[number] = index
            candidate = tuple(moved)
            rank = self._affordable_rank(candidate)
            if rank is None:
                break
            if rank < best_rank:
                best, best_rank = candidate, rank
                self.ties.clear()
            elif rank == best_rank and candidate != best:
                self.ties.append(candidate)
        return best

    def _improve(self, greedy: Assignment) -> Assignment:
        best, best_rank = greedy, self._rank_of(greedy)
        improved = True
        while improved:
            improved = False
            self.ties.clear()
            for candidate in self._neighbours(best):
                rank = self._affordable_rank(candidate)
                if rank is None:
                    return best
                if rank < best_rank:
                    best, best_rank, improved = candidate, rank, True
                    break
                if rank == best_rank:
                    self.ties.append(candidate)
        return best

    def _neighbours(self, assignment: Assignment) -> Iterator[Assignment]:
        """Yield the neighbours of an assignment.

        1. Assignments that avoid one fetch.
        2. For each fetch, the assignment in which this fetch returns every leaf that it can return.
        3. Assignments that change the option of one option set.
        """
        fetches: dict[FetchId, None] = {}
        for number in self._free:
            fetches |= dict.fromkeys(self._option_sets[number][assignment[number]].needed_fetches)
        for fetch in fetches:
            yield from self._without_fetch(fetch, assignment)
        for chosen in self._options_by_fetch().values():
            candidate = tuple(chosen.get(number, index) for number, index in enumerate(assignment))
            if candidate != assignment:
                yield candidate
        for number in self._free:
            for index in range(len(self._option_sets[number])):
                if index != assignment[number]:
                    yield (*assignment[:number], index, *assignment[number + 1 :])

    def _without_fetch(self, fetch: FetchId, assignment: Assignment) -> Iterator[Assignment]:
        """For each other fetch that can replace `fetch` for at least one leaf, yield one assignment.

        In this assignment, each leaf that needs `fetch` gets another option. If the other fetch can return the leaf,
        the new option uses the other fetch. If not, the new option is the leaf's earliest option that avoids `fetch`. A
        leaf without an option that avoids `fetch` keeps its option.
        """
        movable = {
            number: alternatives
            for number in self._free
            if fetch in self._option_sets[number][assignment[number]].unavoidable_fetches
            and (alternatives := self._alternatives(fetch, number))
        }
        instead = dict.fromkeys(key for alternatives in movable.values() for key, _ in alternatives)
        for target in instead:
            candidate = list(assignment)
            for number, alternatives in movable.items():
                candidate[number] = next((index for key, index in alternatives if key == target), alternatives[0][1])
            yield tuple(candidate)

    def _alternatives(self, fetch: FetchId, number: int) -> list[tuple[FetchId, int]]:
        """Return the options of option set `number` that can avoid `fetch`, sorted by stage.

        Each option is a pair: the fetch that the option uses, and the index of the option in the option set.
        """
        options = self._option_sets[number]
        found = [index for index, option in enumerate(options) if fetch not in option.unavoidable_fetches]
        found.sort(key=lambda index: options[index].stage)
        return [(fetch_start(options[index]).fetch_id, index) for index in found]

    def _options_by_fetch(self) -> Mapping[FetchId, Mapping[int, int]]:
        """Return, for each fetch, which options use the fetch.

        If several options of one option set use the fetch, only the first of them is returned.

        Example: `{fetch: {0: 2}}` says that, in option set 0, the option with index 2 uses this fetch.
        """
        chosen: dict[FetchId, dict[int, int]] = {}
        for number in self._free:
            for index, option in enumerate(self._option_sets[number]):
                chosen.setdefault(fetch_start(option).fetch_id, {}).setdefault(number, index)
        return chosen
