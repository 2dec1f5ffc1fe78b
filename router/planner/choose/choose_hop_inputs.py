"""Choose the inputs of the hops on the paths of the chosen options.

The inputs of a hop are the leaves of a key (and of requirements), each with the option that fetches the leaf. If a hop
has only one key, and each leaf of this key has only one option, the inputs of the hop are *forced*. Forced inputs are
chosen first. The other hops are decided later. By then, a fetch that returns the inputs of the hop may already be
chosen for another leaf.

    chosen option:        a hop into c, by the key `id`
    options of `id`:      in a, in b
    chosen already:       a fetch from a, for another leaf
    inputs of the hop:    `id` from a, without a further fetch
"""

from __future__ import annotations

from collections import deque
from itertools import chain, islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from router.planner.choose.plan_cost import fetch_cost
from router.planner.walk.nodes_and_options import PathStep, fetch_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from router.planner.walk.nodes_and_options import FetchId, KeyChoice, Leaf, PathOption

# The maximum number of undecided hops that are compared to find the hop with the largest regret (see `_regret`). Most
# plans have fewer undecided hops. Without this limit, the work would grow with the square of the number of hops.
MAX_COMPARED_HOPS: Final = 32

# The inputs of a hop: the leaves of its key and requirements, each with the option that fetches the leaf.
Inputs: TypeAlias = "tuple[tuple[Leaf, PathOption], ...]"
NOTHING: Final[Mapping[PathOption, Inputs]] = MappingProxyType({})


class ChosenPaths:
    """A set of chosen options. `add` adds an option; `decide_hops` chooses the inputs of hops.

    A hop is *decided* when its inputs are chosen.

    Attributes:
        inputs: The inputs of each decided hop.
        starts: The fetch starts of all chosen options. The dictionary is used as an ordered set: all values are None.
        hops_with_choice: The decided hops for which other inputs were also possible.
        compared: How many options were compared. This number measures the work.
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
        """Add `option` to the chosen options.

        Also add each option that the path of `option` needs and that has no alternative.
        """
        start = fetch_start(option)
        if start in self.starts:
            return
        self.starts[start] = None
        self._fetches.add(start.fetch_id)
        self._to_add.clear()
        if start.step is PathStep.KEY_HOP:
            self._undecided.append(start)
            self._hops.add((start.node.track, start.subgraph, start.stage))
            if len(start.key_choices) == 1 and start not in self._decided:
                for leaf in start.key_choices[0].leaves:
                    if len(leaf.options) == 1:
                        self.add(leaf.options[0])
        elif start.step is PathStep.QUERY_ROOT:
            assert start.parent is not None  # noqa: S101 - the option whose field is the query root
            self.add(start.parent)

    def decide_hops(self, *, weigh_costs: bool) -> None:
        """Choose the inputs of hops.

        Some hops are decided without a comparison of costs: their inputs were passed to the constructor, their inputs
        are forced, or the chosen fetches can already return the fields of a key. If `weigh_costs` is True, each other
        hop gets its cheapest inputs. Of these hops, the hop with the largest regret (see `_regret`) is decided first.
        """
        while True:
            self._decide_without_cost()
            if not weigh_costs or not self._undecided:
                return
            largest_regret = max(islice(self._undecided, MAX_COMPARED_HOPS), key=self._regret)
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
        """Return the regret of a hop: the cost of its second-cheapest inputs minus the cost of its cheapest inputs."""
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
        # Leaves with only one option are decided first. The other leaves follow, in the order of decreasing regret. A
        # fetch that is chosen for one leaf may also return later leaves.
        for options in dict.fromkeys(leaf.options for leaf in choice.leaves):
            if len(options) == 1:
                self.add(options[0])
            else:
                free.append(options)
        if len(free) > 1:
            free.sort(key=self._regret_of, reverse=True)
        chosen: dict[tuple[PathOption, ...], PathOption] = {}
        for number, options in enumerate(free):
            chosen[options] = self._cheapest_for_many(options, free[number + 1 :])
            self.add(chosen[options])
        self.inputs[start] = tuple((leaf, chosen.get(leaf.options, leaf.options[0])) for leaf in choice.leaves)

    def cheapest(self, options: Sequence[PathOption]) -> PathOption:
        """Return the option that adds the least cost to the chosen options.

        Among options that add equal cost, the option with the lowest stage is returned.
        """
        return self._equally_cheap(options)[0]

    def _equally_cheap(self, options: Sequence[PathOption]) -> Sequence[PathOption]:
        """Return the options that add the least cost, and have the lowest stage of all options with this cost."""
        if len(options) == 1:
            return options
        available = [option for option in options if fetch_start(option).fetch_id in self._fetches]
        if available:
            return (min(available, key=_stage),)
        ranks = [(self._cost(self._fetches_to_add(option)), option.stage) for option in options]
        lowest = min(ranks)
        return [option for option, rank in zip(options, ranks, strict=True) if rank == lowest]

    def _cheapest_for_many(self, options: Sequence[PathOption], later: Sequence[Sequence[PathOption]]) -> PathOption:
        """Return the cheapest option. Among equally cheap options, prefer a fetch that can return many later leaves.

        Later leaves are decided after this one: the leaves in `later`, and the leaves of the undecided hops. Each leaf
        is represented by its options.
        """
        equal = self._equally_cheap(options)
        if len(equal) == 1:
            return equal[0]
        undecided = {
            leaf.options
            for start in islice(self._undecided, MAX_COMPARED_HOPS)
            for choice in start.key_choices
            for leaf in choice.leaves
        }
        return max(equal, key=lambda option: _count_returned(option, chain(later, undecided)))

    def _best_key(self, key_choices: Sequence[KeyChoice]) -> KeyChoice:
        if len(key_choices) == 1:
            return key_choices[0]
        available = next((choice for choice in key_choices if self._is_available(choice)), None)
        return available or min(key_choices, key=lambda choice: self._cost(self._fetches_to_add_for_key(choice)))

    def _is_available(self, choice: KeyChoice) -> bool:
        """Return whether the fetches chosen so far can return all leaves of a key."""
        return all(
            any(fetch_start(option).fetch_id in self._fetches for option in leaf.options) for leaf in choice.leaves
        )

    def _fetches_to_add(self, option: PathOption) -> Mapping[FetchId, int]:
        """Return the fetches that the option would add to the chosen fetches, each with its stage."""
        start = fetch_start(option)
        if start.fetch_id in self._fetches:
            return {}
        self.compared += 1
        cached = self._to_add.get(start)
        if cached is None:
            to_add: dict[FetchId, int] = {}
            # A hop adds no fetch if a chosen hop has the same objects, subgraph and stage: both hops share one fetch.
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


def _count_returned(option: PathOption, leaves: Iterable[Sequence[PathOption]]) -> int:
    """Return how many leaves the fetch of `option` can return. `leaves` has the options of each leaf."""
    fetch = fetch_start(option).fetch_id
    return sum(any(fetch_start(other).fetch_id == fetch for other in options) for options in leaves)


def _gap(costs: Sequence[int]) -> int:
    first, second, *_ = sorted(costs)
    return second - first


def _is_forced(start: PathOption) -> bool:
    return len(start.key_choices) == 1 and all(len(leaf.options) == 1 for leaf in start.key_choices[0].leaves)
