"""Chosen options, completed by the keys that they need.

A chosen option stands for its whole path. Most of the path is given: the fields, and a key if there is only one. Where
a key field could be read by several options, or there are several keys, the decision waits until all else is known;
then it is made so that it costs least.

    chosen: HOP into c, by `id`      `id` has options in a and b      a is fetched anyway: read it there
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

# How many undecided starts are compared with each other: enough for plans of usual size; the work stays linear beyond.
MOST_COMPARED: Final = 32

# The leaves that a hop reads (its key and what its field requires), each with the option by which it is fetched.
Inputs: TypeAlias = "tuple[tuple[Leaf, PathOption], ...]"
NOTHING: Final[Mapping[PathOption, Inputs]] = MappingProxyType({})


class ChosenPaths:
    """A set of chosen options; `add` adds one, `settle` decides how hops are entered.

    Attributes:
        inputs: what is decided for each hop.
        starts: the starts of all chosen options: these are fetched.
        unforced: the hops that could be entered in another way.
        compared: how many options were compared, as a measure of the work.
    """

    def __init__(self, options: Iterable[PathOption] = (), decided: Mapping[PathOption, Inputs] = NOTHING) -> None:
        self.inputs: dict[PathOption, Inputs] = {}
        self.hops_with_choice: list[PathOption] = []
        self._decided = decided
        self.starts: dict[PathOption, None] = {}
        self.compared = 0
        self._keys: set[FetchId] = set()
        self._hops: set[tuple[tuple[str, ...], str, int]] = set()
        self._missing: dict[PathOption, Mapping[FetchId, int]] = {}
        self._undecided: deque[PathOption] = deque()
        for option in options:
            self.add(option)

    def add(self, option: PathOption) -> None:
        """Choose an option, and with it what can be fetched in one way only."""
        start = fetch_start(option)
        if start in self.starts:
            return
        self.starts[start] = None
        self._keys.add(start.fetch_id)
        self._missing.clear()
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
        """Decide how hops are entered.

        With `weigh_costs`, decide those that can be entered in one way, or without a further fetch. Else decide all,
        those first for which the second best way costs most.
        """
        while True:
            self._decide_without_weighing()
            if not weigh_costs or not self._undecided:
                return
            dearest = max(islice(self._undecided, MOST_COMPARED), key=self._regret)
            self._undecided.remove(dearest)
            self.hops_with_choice.append(dearest)
            self._decide(dearest)

    def _decide_without_weighing(self) -> None:
        waiting: deque[PathOption] = deque()
        while self._undecided:
            start = self._undecided.popleft()
            if start in self._decided:
                self._read(start, self._decided[start])
            elif _is_forced(start):
                self._decide(start)
            elif any(map(self._is_available, start.key_choices)):
                self.hops_with_choice.append(start)
                self._decide(start)
            else:
                waiting.append(start)
        self._undecided = waiting

    def _read(self, start: PathOption, inputs: Inputs) -> None:
        self.inputs[start] = inputs
        for _, option in inputs:
            self.add(option)

    def _regret(self, start: PathOption) -> int:
        """How much more the second best way to enter a hop costs than the best one."""
        costs = [self._cost(self._key_missing(choice)) for choice in start.key_choices]
        if len(costs) > 1:
            return _gap(costs)
        return max(
            (self._regret_of(leaf.options) for leaf in start.key_choices[0].leaves if len(leaf.options) > 1), default=0
        )

    def _regret_of(self, options: Sequence[PathOption]) -> int:
        return _gap([self._cost(self._option_missing(option)) for option in options])

    def _decide(self, start: PathOption) -> None:
        choice = self._best_key(start.key_choices)
        free: list[tuple[PathOption, ...]] = []
        # First what is forced, then what has most to lose: later values may come with these fetches.
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
        """The option that adds the least cost to what is chosen; among those the earliest."""
        if len(options) == 1:
            return options[0]
        available = [option for option in options if fetch_start(option).fetch_id in self._keys]
        if available:
            return min(available, key=_stage)
        return min(options, key=lambda option: (self._cost(self._option_missing(option)), option.stage))

    def _best_key(self, key_choices: Sequence[KeyChoice]) -> KeyChoice:
        if len(key_choices) == 1:
            return key_choices[0]
        available = next((choice for choice in key_choices if self._is_available(choice)), None)
        return available or min(key_choices, key=lambda choice: self._cost(self._key_missing(choice)))

    def _is_available(self, choice: KeyChoice) -> bool:
        """Whether the chosen starts bring all leaves of a key."""
        return all(any(fetch_start(option).fetch_id in self._keys for option in leaf.options) for leaf in choice.leaves)

    def _option_missing(self, option: PathOption) -> Mapping[FetchId, int]:
        """The starts that the option would add, with their stages."""
        start = fetch_start(option)
        if start.fetch_id in self._keys:
            return {}
        self.compared += 1
        known = self._missing.get(start)
        if known is None:
            missing: dict[FetchId, int] = {}
            # Fetches of one subgraph for the same objects at the same stage become one.
            if start.step is not PathStep.KEY_HOP or (start.node.track, start.subgraph, start.stage) not in self._hops:
                missing[start.fetch_id] = start.stage
            if start.step is PathStep.KEY_HOP:
                missing.update(self._key_missing(self._best_key(start.key_choices)))
            elif start.parent is not None:
                missing.update(self._option_missing(start.parent))
            known = self._missing[start] = missing
        return known

    def _key_missing(self, choice: KeyChoice) -> dict[FetchId, int]:
        missing: dict[FetchId, int] = {}
        for leaf in choice.leaves:
            missing.update(self._option_missing(self.cheapest(leaf.options)))
        return missing

    @staticmethod
    def _cost(missing: Mapping[FetchId, int]) -> int:
        return sum(fetch_cost(stage) for stage in missing.values())


def _stage(option: PathOption) -> int:
    return option.stage


def _gap(costs: Sequence[int]) -> int:
    first, second, *_ = sorted(costs)
    return second - first


def _is_forced(start: PathOption) -> bool:
    return len(start.key_choices) == 1 and all(len(leaf.options) == 1 for leaf in start.key_choices[0].leaves)
