"""Complete chosen options by the inputs of the hops on their paths.

If a hop has one key, and each leaf of the key has one option, its inputs are forced. A hop with several keys, or with
several options for a leaf, is decided after all others: its inputs can then come from fetches that are needed anyway.

    chosen: a hop into c, by `id`      `id` has options in a and b      a is fetched anyway: read `id` from a
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from router.planner.choose.plan_cost import fetch_cost
from router.planner.walk.nodes_and_options import PathStep, fetch_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from router.planner.walk.nodes_and_options import FetchId, KeyChoice, Leaf, PathOption

# How many undecided hops are compared with each other. More than usual plans have; the limit keeps the work linear.
MOST_COMPARED: Final = 32

# The leaves of a hop's key and requirements, each with the option that fetches the leaf.
Inputs: TypeAlias = "tuple[tuple[Leaf, PathOption], ...]"
NOTHING: Final[Mapping[PathOption, Inputs]] = MappingProxyType({})


class ChosenPaths:
    """A set of chosen options. `add` adds an option; `decide_hops` chooses the inputs of hops.

    Attributes:
        inputs: The inputs of each decided hop.
        starts: The fetch starts of all chosen options, as an ordered set.
        hops_with_choice: The decided hops that could have other inputs.
        compared: How many options were compared, as a measure of the work.
    """

    def __init__(self, options: Iterable[PathOption] = (), decided: Mapping[PathOption, Inputs] = NOTHING) -> None:
        self.inputs: dict[PathOption, Inputs] = {}
        self.hops_with_choice: list[PathOption] = []
        self._decided = decided
        self.starts: dict[PathOption, None] = {}
        self.compared = 0
        self._fetches: set[FetchId] = set()
        self._hops: set[tuple[tuple[str, ...], str, int]] = set()
        self._to_add: dict[PathOption, Mapping[FetchId, int]] = {}
        self._undecided: deque[PathOption] = deque()
        for option in options:
            self.add(option)

    def add(self, option: PathOption) -> None:
        """Choose an option, and with it the forced options on its path."""
        start = fetch_start(option)
        if start in self.starts:
            return
        self.starts[start] = None
        self._fetches.add(start.fetch_id)
        self._to_add.clear()
        if start.step is PathStep.KEY_HOP:
            self._undecided.append(start)
            self._hops.add((start.node.track, start.subgraph, start.stage))
            if len(start.key_choices) == 1:
                for leaf in start.key_choices[0].leaves:
                    if len(leaf.options) == 1:
                        self.add(leaf.options[0])
        elif start.step is PathStep.QUERY_ROOT:
            assert start.parent is not None  # noqa: S101 - the option whose field is the query root
            self.add(start.parent)

    def decide_hops(self, *, weigh_costs: bool) -> None:
        """Choose the inputs of each hop that has no choice, or for which a key is available without a further fetch.

        With `weigh_costs`, then also choose the cheapest inputs of other hops, the hop with the largest regret first.
        """
        while True:
            self._decide_without_cost()
            if not weigh_costs or not self._undecided:
                return
            largest_regret = max(islice(self._undecided, MOST_COMPARED), key=self._regret)
            self._undecided.remove(largest_regret)
            self.hops_with_choice.append(largest_regret)
            self._decide(largest_regret)

    def _decide_without_cost(self) -> None:
        waiting: deque[PathOption] = deque()
        while self._undecided:
            start = self._undecided.popleft()
            if start in self._decided:
                self._use_inputs(start, self._decided[start])
            elif _is_forced(start):
                self._decide(start)
            elif any(map(self._is_available, start.key_choices)):
                self.hops_with_choice.append(start)
                self._decide(start)
            else:
                waiting.append(start)
        self._undecided = waiting

    def _use_inputs(self, start: PathOption, inputs: Inputs) -> None:
        self.inputs[start] = inputs
        for _, option in inputs:
            self.add(option)

    def _regret(self, start: PathOption) -> int:
        """Return the regret of a hop: how much more its second-best inputs cost than its best inputs."""
        costs = [self._cost(self._fetches_to_add_for_key(choice)) for choice in start.key_choices]
        if len(costs) > 1:
            return _gap(costs)
        return max(
            (self._regret_of(leaf.options) for leaf in start.key_choices[0].leaves if len(leaf.options) > 1), default=0
        )

    def _regret_of(self, options: Sequence[PathOption]) -> int:
        return _gap([self._cost(self._fetches_to_add(option)) for option in options])

    def _decide(self, start: PathOption) -> None:
        choice = self._best_key(start.key_choices)
        free: list[tuple[PathOption, ...]] = []
        # Forced options first, then the leaf with the largest regret: later leaves may come from the same fetches.
        for options in dict.fromkeys(leaf.options for leaf in choice.leaves):
            if len(options) == 1:
                self.add(options[0])
            else:
                free.append(options)
        if len(free) > 1:
            free.sort(key=self._regret_of, reverse=True)
        chosen: dict[tuple[PathOption, ...], PathOption] = {}
        for options in free:
            chosen[options] = self.cheapest(options)
            self.add(chosen[options])
        self.inputs[start] = tuple((leaf, chosen.get(leaf.options, leaf.options[0])) for leaf in choice.leaves)

    def cheapest(self, options: Sequence[PathOption]) -> PathOption:
        """Return the option that adds the least cost to the chosen options; of several, that with the lowest stage."""
        if len(options) == 1:
            return options[0]
        available = [option for option in options if fetch_start(option).fetch_id in self._fetches]
        if available:
            return min(available, key=_stage)
        return min(options, key=lambda option: (self._cost(self._fetches_to_add(option)), option.stage))

    def _best_key(self, key_choices: Sequence[KeyChoice]) -> KeyChoice:
        if len(key_choices) == 1:
            return key_choices[0]
        available = next((choice for choice in key_choices if self._is_available(choice)), None)
        return available or min(key_choices, key=lambda choice: self._cost(self._fetches_to_add_for_key(choice)))

    def _is_available(self, choice: KeyChoice) -> bool:
        """Whether the fetches chosen so far can return all leaves of a key."""
        return all(
            any(fetch_start(option).fetch_id in self._fetches for option in leaf.options) for leaf in choice.leaves
        )

    def _fetches_to_add(self, option: PathOption) -> Mapping[FetchId, int]:
        """Return the fetches that the option would add, each with its stage."""
        start = fetch_start(option)
        if start.fetch_id in self._fetches:
            return {}
        self.compared += 1
        cached = self._to_add.get(start)
        if cached is None:
            to_add: dict[FetchId, int] = {}
            # Fetches of the same objects from one subgraph at the same stage become one fetch.
            if start.step is not PathStep.KEY_HOP or (start.node.track, start.subgraph, start.stage) not in self._hops:
                to_add[start.fetch_id] = start.stage
            if start.step is PathStep.KEY_HOP:
                to_add.update(self._fetches_to_add_for_key(self._best_key(start.key_choices)))
            elif start.parent is not None:
                to_add.update(self._fetches_to_add(start.parent))
            cached = self._to_add[start] = to_add
        return cached

    def _fetches_to_add_for_key(self, choice: KeyChoice) -> dict[FetchId, int]:
        to_add: dict[FetchId, int] = {}
        for leaf in choice.leaves:
            to_add.update(self._fetches_to_add(self.cheapest(leaf.options)))
        return to_add

    @staticmethod
    def _cost(to_add: Mapping[FetchId, int]) -> int:
        return sum(fetch_cost(stage) for stage in to_add.values())


def _stage(option: PathOption) -> int:
    return option.stage


def _gap(costs: Sequence[int]) -> int:
    first, second, *_ = sorted(costs)
    return second - first


def _is_forced(start: PathOption) -> bool:
    return len(start.key_choices) == 1 and all(len(leaf.options) == 1 for leaf in start.key_choices[0].leaves)
