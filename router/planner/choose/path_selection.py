"""Chosen places, closed under what they need.

Choosing a place chooses the way to it. Most of it is given: the parents, the key where there is only one. Where a key's
field could be read from several places the decision waits until everything certain is known, and then costs least.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from router.planner.walk.nodes import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from router.planner.walk.nodes import Leaf, Place, RootKey, Way

# Apollo's cost of a plan: a fetch is worth a thousand fields, and a fetch that waits for n others in a row is worth
# a hundred n that do not wait.
FETCH_COST = 1000
STAGE_FACTOR = 100

# How many undecided roots are weighed against each other: enough for any plan people read, and linear beyond.
COMPARED = 32

Inputs: TypeAlias = "tuple[tuple[Leaf, Place], ...]"


def fetch_cost(stage: int) -> int:
    return FETCH_COST * max(1, STAGE_FACTOR * stage)


def root_of(place: Place) -> Place:
    """The root a place hangs on: the fetch that gets it."""
    while not place.step.is_root:
        assert place.parent is not None  # noqa: S101 - only roots have none
        place = place.parent
    return place


class Decisions:
    """Grows by `add` and `settle`; `inputs` are the leaves decided on for every place behind a key.

    `weighed` counts the places whose cost was asked for: what deciding has taken.
    """

    def __init__(self, places: Iterable[Place] = ()) -> None:
        self.inputs: dict[Place, Inputs] = {}
        self.roots: dict[Place, None] = {}
        self.weighed = 0
        self._keys: set[RootKey] = set()
        self._hops: set[tuple[tuple[str, ...], str, int]] = set()
        self._missing: dict[Place, Mapping[RootKey, int]] = {}
        self._open: deque[Place] = deque()
        for place in places:
            self.add(place)

    def add(self, place: Place) -> None:
        """Choose a place."""
        root = root_of(place)
        if root in self.roots:
            return
        self.roots[root] = None
        self._keys.add(root.key)
        self._missing.clear()
        if root.step is Step.HOP:
            self._open.append(root)
            self._hops.add((root.position.track, root.subgraph, root.stage))
            if len(root.ways) == 1:
                for leaf in root.ways[0].leaves:
                    if len(leaf.options) == 1:
                        self.add(leaf.options[0])
        elif root.step is Step.REENTER:
            assert root.parent is not None  # noqa: S101 - the place it re-enters from
            self.add(root.parent)

    def settle(self, *, certain_only: bool) -> None:
        """Decide how places behind keys are entered: where that is free or forced, else all of them in turn."""
        while True:
            self._settle_certain()
            if certain_only or not self._open:
                return
            dearest = max(islice(self._open, COMPARED), key=self._regret)
            self._open.remove(dearest)
            self._decide(dearest)

    def _settle_certain(self) -> None:
        waiting: deque[Place] = deque()
        while self._open:
            root = self._open.popleft()
            if _is_forced(root) or any(map(self._is_had, root.ways)):
                self._decide(root)
            else:
                waiting.append(root)
        self._open = waiting

    def _regret(self, root: Place) -> int:
        """What the second best decision would cost more than the best: who loses most by waiting decides first."""
        ways = [self._cost(self._way_missing(way)) for way in root.ways]
        if len(ways) > 1:
            return _gap(ways)
        return max((self._regret_of(leaf.options) for leaf in root.ways[0].leaves if len(leaf.options) > 1), default=0)

    def _regret_of(self, options: Sequence[Place]) -> int:
        return _gap([self._cost(self._place_missing(place)) for place in options])

    def _decide(self, root: Place) -> None:
        way = self._best_way(root.ways)
        free: list[tuple[Place, ...]] = []
        # What is forced comes first, then what loses most by waiting: the rest may be had on the same way.
        for options in dict.fromkeys(leaf.options for leaf in way.leaves):
            if len(options) == 1:
                self.add(options[0])
            else:
                free.append(options)
        if len(free) > 1:
            free.sort(key=self._regret_of, reverse=True)
        chosen: dict[tuple[Place, ...], Place] = {}
        for options in free:
            chosen[options] = self.cheapest(options)
            self.add(chosen[options])
        self.inputs[root] = tuple((leaf, chosen.get(leaf.options, leaf.options[0])) for leaf in way.leaves)

    def cheapest(self, options: Sequence[Place]) -> Place:
        """The option that costs least beyond what is chosen; of several the earliest."""
        if len(options) == 1:
            return options[0]
        had = [place for place in options if root_of(place).key in self._keys]
        if had:
            return min(had, key=_stage)
        return min(options, key=lambda place: (self._cost(self._place_missing(place)), place.stage))

    def _best_way(self, ways: Sequence[Way]) -> Way:
        if len(ways) == 1:
            return ways[0]
        had = next((way for way in ways if self._is_had(way)), None)
        return had or min(ways, key=lambda way: self._cost(self._way_missing(way)))

    def _is_had(self, way: Way) -> bool:
        """Whether all that is read can be read from what is chosen."""
        return all(any(root_of(place).key in self._keys for place in leaf.options) for leaf in way.leaves)

    def _place_missing(self, place: Place) -> Mapping[RootKey, int]:
        """The roots that choosing the place would add, with their stages."""
        root = root_of(place)
        if root.key in self._keys:
            return {}
        self.weighed += 1
        known = self._missing.get(root)
        if known is None:
            missing: dict[RootKey, int] = {}
            # Fetches of one subgraph for the same objects at the same stage become one.
            if root.step is not Step.HOP or (root.position.track, root.subgraph, root.stage) not in self._hops:
                missing[root.key] = root.stage
            if root.step is Step.HOP:
                missing.update(self._way_missing(self._best_way(root.ways)))
            elif root.parent is not None:
                missing.update(self._place_missing(root.parent))
            known = self._missing[root] = missing
        return known

    def _way_missing(self, way: Way) -> dict[RootKey, int]:
        missing: dict[RootKey, int] = {}
        for leaf in way.leaves:
            missing.update(self._place_missing(self.cheapest(leaf.options)))
        return missing

    @staticmethod
    def _cost(missing: Mapping[RootKey, int]) -> int:
        return sum(fetch_cost(stage) for stage in missing.values())


def _stage(place: Place) -> int:
    return place.stage


def _gap(costs: Sequence[int]) -> int:
    first, second, *_ = sorted(costs)
    return second - first


def _is_forced(root: Place) -> bool:
    return len(root.ways) == 1 and all(len(leaf.options) == 1 for leaf in root.ways[0].leaves)
