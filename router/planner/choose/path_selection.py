"""Chosen options, closed under what they need.

Choosing an option chooses the path to it. Most of it is given: the parents, the key where there is only one. Where a
field of a key could be read from several options, the decision waits until everything certain is known.
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

# How many undecided roots are weighed against each other: enough for any plan people read, and linear beyond.
COMPARED = 32

Inputs: TypeAlias = "tuple[tuple[Leaf, PathOption], ...]"
NOTHING: Final[Mapping[PathOption, Inputs]] = MappingProxyType({})


class PathSelection:
    """Grows by `add` and `settle`; `inputs` are the leaves decided on for every option behind a key.

    `weighed` counts the options whose cost was asked for: what deciding has taken.
    """

    def __init__(self, options: Iterable[PathOption] = (), decided: Mapping[PathOption, Inputs] = NOTHING) -> None:
        self.inputs: dict[PathOption, Inputs] = {}
        self.unforced: list[PathOption] = []
        self._decided = decided
        self.roots: dict[PathOption, None] = {}
        self.weighed = 0
        self._keys: set[RootKey] = set()
        self._hops: set[tuple[tuple[str, ...], str, int]] = set()
        self._missing: dict[PathOption, Mapping[RootKey, int]] = {}
        self._open: deque[PathOption] = deque()
        for option in options:
            self.add(option)

    def add(self, option: PathOption) -> None:
        """Choose an option."""
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
            assert root.parent is not None  # noqa: S101 - the option it re-enters from
            self.add(root.parent)

    def settle(self, *, certain_only: bool) -> None:
        """Decide how options behind keys are entered: where that is free or forced, else all of them in turn."""
        while True:
            self._settle_certain()
            if certain_only or not self._open:
                return
            dearest = max(islice(self._open, COMPARED), key=self._regret)
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
            elif any(map(self._is_had, root.key_choices)):
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
        """What the second best decision would cost more than the best: who loses most by waiting decides first."""
        key_choices = [self._cost(self._choice_missing(choice)) for choice in root.key_choices]
        if len(key_choices) > 1:
            return _gap(key_choices)
        return max(
            (self._regret_of(leaf.options) for leaf in root.key_choices[0].leaves if len(leaf.options) > 1), default=0
        )

    def _regret_of(self, options: Sequence[PathOption]) -> int:
        return _gap([self._cost(self._option_missing(option)) for option in options])

    def _decide(self, root: PathOption) -> None:
        choice = self._best_choice(root.key_choices)
        free: list[tuple[PathOption, ...]] = []
        # What is forced comes first, then what loses most by waiting: the rest may be had on the same path.
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
        """The option that costs least beyond what is chosen; of several the earliest."""
        if len(options) == 1:
            return options[0]
        had = [option for option in options if root_of(option).key in self._keys]
        if had:
            return min(had, key=_stage)
        return min(options, key=lambda option: (self._cost(self._option_missing(option)), option.stage))

    def _best_choice(self, key_choices: Sequence[KeyChoice]) -> KeyChoice:
        if len(key_choices) == 1:
            return key_choices[0]
        had = next((choice for choice in key_choices if self._is_had(choice)), None)
        return had or min(key_choices, key=lambda choice: self._cost(self._choice_missing(choice)))

    def _is_had(self, choice: KeyChoice) -> bool:
        """Whether all that is read can be read from what is chosen."""
        return all(any(root_of(option).key in self._keys for option in leaf.options) for leaf in choice.leaves)

    def _option_missing(self, option: PathOption) -> Mapping[RootKey, int]:
        """The roots that choosing the option would add, with their stages."""
        root = root_of(option)
        if root.key in self._keys:
            return {}
        self.weighed += 1
        known = self._missing.get(root)
        if known is None:
            missing: dict[RootKey, int] = {}
            # Fetches of one subgraph for the same objects at the same stage become one.
            if root.step is not PathStep.HOP or (root.node.track, root.subgraph, root.stage) not in self._hops:
                missing[root.key] = root.stage
            if root.step is PathStep.HOP:
                missing.update(self._choice_missing(self._best_choice(root.key_choices)))
            elif root.parent is not None:
                missing.update(self._option_missing(root.parent))
            known = self._missing[root] = missing
        return known

    def _choice_missing(self, choice: KeyChoice) -> dict[RootKey, int]:
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
