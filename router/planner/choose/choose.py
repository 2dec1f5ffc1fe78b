"""Choosing one option for every leaf, so that the plan costs least.

Leaves with the same options move together. Choices are first made greedily, forced ones before free ones; then every
combination is tried if they are few, else single choices and whole fetches are moved while that helps, under a budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from router.planner.choose.fetch_costing import FetchCosting
from router.planner.choose.path_selection import PathSelection, root_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from router.planner.bounds import Effort
    from router.planner.walk.nodes import Leaf, PathOption, RootKey

# Combinations up to which all are tried.
EXHAUSTIVE_COMBINATIONS = 128
# Places weighed in a unit of work.
WEIGHED_PER_WORK = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen option of every leaf."""

    options: tuple[PathOption, ...]
    costing: FetchCosting


def choose(leaves: Sequence[Leaf], effort: Effort) -> Choice:
    """Choose for each leaf one of its options."""
    classes: dict[tuple[PathOption, ...], int] = {}
    numbers = [classes.setdefault(leaf.options, len(classes)) for leaf in leaves]
    options = list(classes)
    best = _Search(options, effort).run()
    chosen = tuple(options[number][best[number]] for number in numbers)
    return Choice(chosen, _activate(options, best))


def _activate(options: Sequence[tuple[PathOption, ...]], assignment: Sequence[int]) -> FetchCosting:
    return FetchCosting(options[index] for options, index in zip(options, assignment, strict=True))


class _Search:
    def __init__(self, options: Sequence[tuple[PathOption, ...]], effort: Effort) -> None:
        self._options = options
        self._free = [number for number, alternatives in enumerate(options) if len(alternatives) > 1]
        self._effort = effort
        self._weighed = 0

    def run(self) -> list[int]:
        assignment = self._greedy()
        if not self._free:
            return assignment
        if prod(len(self._options[number]) for number in self._free) <= EXHAUSTIVE_COMBINATIONS:
            return self._earliest(self._exhaustive(assignment))
        return self._earliest(self._improve(assignment))

    def _earliest(self, assignment: list[int]) -> list[int]:
        """Each in the earliest of the fetches that are made anyway: a later one may not know the object."""
        costing = _activate(self._options, assignment)
        fetched = costing.fetched
        earliest = list(assignment)
        for number in self._free:
            options, chosen = self._options[number], assignment[number]
            made = (index for index, option in enumerate(options) if root_of(option).key in fetched)
            earliest[number] = min(made, key=lambda index: (options[index].stage, index != chosen), default=chosen)
        same = earliest == assignment or _activate(self._options, earliest).rank > costing.rank
        return assignment if same else earliest

    def _greedy(self) -> list[int]:
        assignment = [0] * len(self._options)
        selection = PathSelection(forced[0] for forced in self._options if len(forced) == 1)
        for number in sorted(self._free, key=lambda number: len(self._options[number])):
            selection.settle(certain_only=True)
            options = self._options[number]
            option = selection.cheapest(options)
            selection.add(option)
            assignment[number] = options.index(option)
        return assignment

    def _rank(self, assignment: Sequence[int]) -> tuple[int, int] | None:
        """None when the effort for another trial is not to be had.

        Each goes through all sets of options anew, and weighs about as many options as the one before.
        """
        if not self._effort.affords(len(self._options) + self._weighed // WEIGHED_PER_WORK):
            return None
        return self._tried(assignment)

    def _tried(self, assignment: Sequence[int]) -> tuple[int, int]:
        costing = _activate(self._options, assignment)
        self._weighed = costing.weighed
        return costing.rank

    def _exhaustive(self, greedy: list[int]) -> list[int]:
        best, best_rank = greedy, self._tried(greedy)
        for combination in product(*(range(len(self._options[number])) for number in self._free)):
            candidate = list(greedy)
            for number, index in zip(self._free, combination, strict=True):
                candidate[number] = index
            rank = self._rank(candidate)
            if rank is None:
                break
            if rank < best_rank:
                best, best_rank = candidate, rank
        return best

    def _improve(self, greedy: list[int]) -> list[int]:
        best, best_rank = greedy, self._tried(greedy)
        improved = True
        while improved:
            improved = False
            for candidate in self._neighbours(best):
                rank = self._rank(candidate)
                if rank is None:
                    return best
                if rank < best_rank:
                    best, best_rank, improved = candidate, rank, True
                    break
        return best

    def _neighbours(self, assignment: list[int]) -> Iterator[list[int]]:
        """Without a fetch that a free choice uses, by way of each other; with all that a fetch can give; one by one."""
        roots: dict[RootKey, None] = {}
        for number in self._free:
            roots |= dict.fromkeys(self._options[number][assignment[number]].needs)
        for root in roots:
            spared = {
                number: alternatives
                for number in self._free
                if root in self._options[number][assignment[number]].certain
                and (alternatives := self._without(root, number))
            }
            instead = dict.fromkeys(key for alternatives in spared.values() for key, _ in alternatives)
            for target in instead:
                candidate = list(assignment)
                for number, alternatives in spared.items():
                    candidate[number] = next(
                        (index for key, index in alternatives if key == target), alternatives[0][1]
                    )
                yield candidate
        for given in self._given_by_root().values():
            candidate = [given.get(number, index) for number, index in enumerate(assignment)]
            if candidate != assignment:
                yield candidate
        for number in self._free:
            for index in range(len(self._options[number])):
                if index != assignment[number]:
                    yield [*assignment[:number], index, *assignment[number + 1 :]]

    def _given_by_root(self) -> Mapping[RootKey, Mapping[int, int]]:
        """For each fetch the free choices it can give, each with the option that has it from there."""
        given: dict[RootKey, dict[int, int]] = {}
        for number in self._free:
            for index, option in enumerate(self._options[number]):
                given.setdefault(root_of(option).key, {}).setdefault(number, index)
        return given

    def _without(self, root: RootKey, number: int) -> list[tuple[RootKey, int]]:
        """The options that can do without a root, each with the root it hangs on; the earliest first."""
        options = self._options[number]
        found = [index for index, option in enumerate(options) if root not in option.certain]
        found.sort(key=lambda index: options[index].stage)
        return [(root_of(options[index]).key, index) for index in found]
