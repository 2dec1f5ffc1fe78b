"""The search for the combination of options whose plan has the fewest fetches, those in a row counted most.

A greedy choice comes first: leaves with one option, then those with few. Up to 128 combinations are all tried. Beyond
that, single leaves and all leaves of a fetch are moved to other options as long as that lowers the cost. The work is
bounded (planning §6.5).

    leaves      id: a or b     name: b     size: b or c
    greedy      id: b          name: b     size: b          one fetch
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final, TypeAlias

from router.planner.choose.chosen_fetches import ChosenFetches
from router.planner.choose.chosen_paths import ChosenPaths
from router.planner.walk.nodes_and_options import fetch_start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from router.planner.search_bounds import Effort
    from router.planner.walk.nodes_and_options import FetchId, PathOption

# For each set of options the index of the chosen one.
Assignment: TypeAlias = tuple[int, ...]
Rank: TypeAlias = tuple[int, int]

# Combinations up to which all are tried.
EXHAUSTIVE_COMBINATIONS: Final = 128
# How many options are compared in a unit of work.
COMPARED_PER_WORK: Final = 2


class CombinationSearch:
    """Finds an assignment for sets of options; leaves with the same options share one set.

    After `run`, `ties` are other assignments that were tried and have the same number of fetches.
    """

    def __init__(self, option_sets: Sequence[tuple[PathOption, ...]], effort: Effort) -> None:
        self.ties: list[Assignment] = []
        self._option_sets = option_sets
        self._free = [number for number, options in enumerate(option_sets) if len(options) > 1]
        self._effort = effort
        self._compared = 0

    @property
    def is_exhaustive(self) -> bool:
        """Whether all combinations are tried."""
        return prod(len(self._option_sets[number]) for number in self._free) <= EXHAUSTIVE_COMBINATIONS

    def run(self) -> Assignment:
        """The best assignment found."""
        greedy = self._greedy()
        if not self._free:
            return greedy
        return self.earliest(self._exhaustive(greedy) if self.is_exhaustive else self._improve(greedy))

    def fetches_of(self, assignment: Assignment) -> ChosenFetches:
        """The fetches of an assignment."""
        return ChosenFetches(options[index] for options, index in zip(self._option_sets, assignment, strict=True))

    def earliest(self, assignment: Assignment) -> Assignment:
        """The assignment with each leaf in the earliest fetch that has it: a later subgraph may not know the object."""
        chosen_fetches = self.fetches_of(assignment)
        fetched = chosen_fetches.fetched
        earliest = list(assignment)
        for number in self._free:
            options, chosen = self._option_sets[number], assignment[number]
            made = [index for index, option in enumerate(options) if fetch_start(option).fetch_id in fetched]
            earliest[number] = min(made, key=lambda index: (options[index].stage, index != chosen), default=chosen)
        moved = tuple(earliest)
        return assignment if moved == assignment or self.fetches_of(moved).rank > chosen_fetches.rank else moved

    def tied_neighbours(self, assignment: Assignment) -> Iterator[Assignment]:
        """The neighbours of an assignment that have the same number of fetches, as far as the work budget goes."""
        rank = self._tried(assignment)
        for candidate in self._neighbours(assignment):
            if not self._effort.affords_tie(self._work_of_trial):
                return
            if self._tried(candidate) == rank:
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

    def _rank(self, assignment: Assignment) -> Rank | None:
        """The rank of an assignment, None if the work budget is used up."""
        return self._tried(assignment) if self._effort.affords(self._work_of_trial) else None

    @property
    def _work_of_trial(self) -> int:
        """How much work a trial is: it goes through all sets, and compares about as many options as the last one."""
        return len(self._option_sets) + self._compared // COMPARED_PER_WORK

    def _tried(self, assignment: Assignment) -> Rank:
        chosen_fetches = self.fetches_of(assignment)
        self._compared = chosen_fetches.compared
        return chosen_fetches.rank

    def _exhaustive(self, greedy: Assignment) -> Assignment:
        best, best_rank = greedy, self._tried(greedy)
        for combination in product(*(range(len(self._option_sets[number])) for number in self._free)):
            moved = list(greedy)
            for number, index in zip(self._free, combination, strict=True):
                moved[number] = index
            candidate = tuple(moved)
            rank = self._rank(candidate)
            if rank is None:
                break
            if rank < best_rank:
                best, best_rank = candidate, rank
                self.ties.clear()
            elif rank == best_rank and candidate != best:
                self.ties.append(candidate)
        return best

    def _improve(self, greedy: Assignment) -> Assignment:
        best, best_rank = greedy, self._tried(greedy)
        improved = True
        while improved:
            improved = False
            self.ties.clear()
            for candidate in self._neighbours(best):
                rank = self._rank(candidate)
                if rank is None:
                    return best
                if rank < best_rank:
                    best, best_rank, improved = candidate, rank, True
                    break
                if rank == best_rank:
                    self.ties.append(candidate)
        return best

    def _neighbours(self, assignment: Assignment) -> Iterator[Assignment]:
        """Assignments a step away: without a fetch, with all that a fetch can give, and with one leaf elsewhere."""
        fetches: dict[FetchId, None] = {}
        for number in self._free:
            fetches |= dict.fromkeys(self._option_sets[number][assignment[number]].needed_fetches)
        for fetch in fetches:
            yield from self._without_fetch(fetch, assignment)
        for given in self._options_by_fetch().values():
            candidate = tuple(given.get(number, index) for number, index in enumerate(assignment))
            if candidate != assignment:
                yield candidate
        for number in self._free:
            for index in range(len(self._option_sets[number])):
                if index != assignment[number]:
                    yield (*assignment[:number], index, *assignment[number + 1 :])

    def _without_fetch(self, fetch: FetchId, assignment: Assignment) -> Iterator[Assignment]:
        """Assignments that do not need a fetch, one for each other fetch that can replace it for some leaf."""
        spared = {
            number: alternatives
            for number in self._free
            if fetch in self._option_sets[number][assignment[number]].unavoidable_fetches
            and (alternatives := self._alternatives(fetch, number))
        }
        instead = dict.fromkeys(key for alternatives in spared.values() for key, _ in alternatives)
        for target in instead:
            candidate = list(assignment)
            for number, alternatives in spared.items():
                candidate[number] = next((index for key, index in alternatives if key == target), alternatives[0][1])
            yield tuple(candidate)

    def _alternatives(self, fetch: FetchId, number: int) -> list[tuple[FetchId, int]]:
        """The options of a set that do not need a fetch, each with the fetch that it belongs to; the earliest first."""
        options = self._option_sets[number]
        found = [index for index, option in enumerate(options) if fetch not in option.unavoidable_fetches]
        found.sort(key=lambda index: options[index].stage)
        return [(fetch_start(options[index]).fetch_id, index) for index in found]

    def _options_by_fetch(self) -> Mapping[FetchId, Mapping[int, int]]:
        """For each fetch, the sets that have an option in it, each with the index of that option."""
        given: dict[FetchId, dict[int, int]] = {}
        for number in self._free:
            for index, option in enumerate(self._option_sets[number]):
                given.setdefault(fetch_start(option).fetch_id, {}).setdefault(number, index)
        return given
