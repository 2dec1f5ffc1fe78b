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

from router.planner.choose.cost import fetch_cost
from router.planner.walk.nodes_and_options import PathStep, root_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from router.planner.walk.nodes_and_options import KeyChoice, Leaf, PathOption, RootKey

# How many undecided roots are compared with each other: enough for plans of usual size; the work stays linear beyond.
MOST_COMPARED: Final = 32

# The leaves that a hop reads (its key and what its field requires), each with the option by which it is fetched.
Inputs: TypeAlias = "tuple[tuple[Leaf, PathOption], ...]"
NOTHING: Final[Mapping[PathOption, Inputs]] = MappingProxyType({})


class PathSelection:
    """A set of chosen options; `add` adds one, `settle` decides how hops are entered.

    Attributes:
        inputs: what is decided for each hop.
        roots: the roots of all chosen options: these are fetched.
        unforced: the hops that could be entered in another way.
        compared: how many options were compared, as a measure of the work.
    """

    def __init__(self, options: Iterable[PathOption] = (), decided: Mapping[PathOption, Inputs] = NOTHING) -> None:
        self.inputs: dict[PathOption, Inputs] = {}
        self.unforced: list[PathOption] = []
        self._decided = decided
        self.roots: dict[PathOption, None] = {}
        self.compared = 0
        self._keys: set[RootKey] = set()
        self._hops: set[tuple[tuple[str, ...], str, int]] = set()
        self._missing: dict[PathOption, Mapping[RootKey, int]] = {}
        self._open: deque[PathOption] = deque()
        for option in options:
            self.add(option)

    def add(self, option: PathOption) -> None:
        """Choose an option, and with it what can be fetched in one way only."""
        root = root_of(option)
        if root in self.roots:
            return
        self.roots[root] = None
        self._keys.add(root.key)
        self._missing.clear()
        if root.step is PathStep.HOP:
            self._open.append(root)
            self._hops.add((root.node.track, root.subgraph, root.stage))
            if len(root.key_choices) == 1:
                for leaf in root.key_choices[0].leaves:
                    if len(leaf.options) == 1:
                        self.add(leaf.options[0])
        elif root.step is PathStep.REENTER:
            assert root.parent is not None  # noqa: S101 - the option whose field is the query root
            self.add(root.parent)

    def settle(self, *, certain_only: bool) -> None:
        """Decide how hops are entered.

        With `certain_only`, decide those that can be entered in one way, or without a further fetch. Else decide all,
        those first for which the second best way costs most.
        """
        while True:
            self._settle_certain()
            if certain_only or not self._open:
                return
            dearest = max(islice(self._open, MOST_COMPARED), key=self._regret)
            self._open.remove(dearest)
            self.unforced.append(dearest)
            self._decide(dearest)

    def _settle_certain(self) -> None:
        waiting: deque[PathOption] = deque()
        while self._open:
            root = self._open.popleft()
            if root in self._decided:
                self._read(root, self._decided[root])
            elif _is_forced(root):
                self._decide(root)
            elif any(map(self._is_available, root.key_choices)):
                self.unforced.append(root)
                self._decide(root)
            else:
                waiting.append(root)
        self._open = waiting

    def _read(self, root: PathOption, inputs: Inputs) -> None:
        self.inputs[root] = inputs
        for _, option in inputs:
            self.add(option)

    def _regret(self, root: PathOption) -> int:
        """How much more the second best way to enter a hop costs than the best one."""
        costs = [self._cost(self._key_missing(choice)) for choice in root.key_choices]
        if len(costs) > 1:
            return _gap(costs)
        return max(
            (self._regret_of(leaf.options) for leaf in root.key_choices[0].leaves if len(leaf.options) > 1), default=0
        )

    def _regret_of(self, options: Sequence[PathOption]) -> int:
        return _gap([self._cost(self._option_missing(option)) for option in options])

    def _decide(self, root: PathOption) -> None:
        choice = self._best_key(root.key_choices)
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
        self.inputs[root] = tuple((leaf, chosen.get(leaf.options, leaf.options[0])) for leaf in choice.leaves)

    def cheapest(self, options: Sequence[PathOption]) -> PathOption:
        """The option that adds the least cost to what is chosen; among those the earliest."""
        if len(options) == 1:
            return options[0]
        available = [option for option in options if root_of(option).key in self._keys]
        if available:
            return min(available, key=_stage)
        return min(options, key=lambda option: (self._cost(self._option_missing(option)), option.stage))

    def _best_key(self, key_choices: Sequence[KeyChoice]) -> KeyChoice:
        if len(key_choices) == 1:
            return key_choices[0]
        available = next((choice for choice in key_choices if self._is_available(choice)), None)
        return available or min(key_choices, key=lambda choice: self._cost(self._key_missing(choice)))

    def _is_available(self, choice: KeyChoice) -> bool:
        """Whether the chosen roots bring all leaves of a key."""
        return all(any(root_of(option).key in self._keys for option in leaf.options) for leaf in choice.leaves)

    def _option_missing(self, option: PathOption) -> Mapping[RootKey, int]:
        """The roots that the option would add, with their stages."""
        root = root_of(option)
        if root.key in self._keys:
            return {}
        self.compared += 1
        known = self._missing.get(root)
        if known is None:
            missing: dict[RootKey, int] = {}
            # Fetches of one subgraph for the same objects at the same stage become one.
            if root.step is not PathStep.HOP or (root.node.track, root.subgraph, root.stage) not in self._hops:
                missing[root.key] = root.stage
            if root.step is PathStep.HOP:
                missing.update(self._key_missing(self._best_key(root.key_choices)))
            elif root.parent is not None:
                missing.update(self._option_missing(root.parent))
            known = self._missing[root] = missing
        return known

    def _key_missing(self, choice: KeyChoice) -> dict[RootKey, int]:
        missing: dict[RootKey, int] = {}
        for leaf in choice.leaves:
            missing.update(self._option_missing(self.cheapest(leaf.options)))
        return missing

    @staticmethod
    def _cost(missing: Mapping[RootKey, int]) -> int:
        return sum(fetch_cost(stage) for stage in missing.values())


def _stage(option: PathOption) -> int:
    return option.stage


def _gap(costs: Sequence[int]) -> int:
    first, second, *_ = sorted(costs)
    return second - first


def _is_forced(root: PathOption) -> bool:
    return len(root.key_choices) == 1 and all(len(leaf.options) == 1 for leaf in root.key_choices[0].leaves)
