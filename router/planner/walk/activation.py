"""A set of chosen places, closed under what they need, as the fetches it comes to.

Choosing a place chooses the way to it: the parent places, and for a place behind a key one of its ways in, with a
place for every leaf of that way. Two roots are one fetch when they enter the same subgraph for the same objects after
the same fetches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from router.planner.walk.positions import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.planner.walk.positions import Leaf, Place, RootKey, Way

# Apollo's cost of a plan: a fetch is worth a thousand fields, and a fetch that waits for n others in a row is worth
# a hundred n that do not wait.
FETCH_COST = 1000
STAGE_FACTOR = 100

Inputs: TypeAlias = "tuple[tuple[Leaf, Place], ...]"


@dataclass(eq=False, slots=True)
class FetchSeed:
    """A fetch before its selections: the roots that share it and the fetches it waits for."""

    number: int
    stage: int
    roots: list[Place] = field(default_factory=list)
    after: dict[int, FetchSeed] = field(default_factory=dict)

    @property
    def cost(self) -> int:
        return fetch_cost(self.stage)


def fetch_cost(stage: int) -> int:
    return FETCH_COST * max(1, STAGE_FACTOR * stage)


class Activation:
    """Grows place by place; `inputs` are the leaves chosen for every place behind a key."""

    def __init__(self) -> None:
        self.seeds: dict[tuple[tuple[str, ...], str, frozenset[int]], FetchSeed] = {}
        self.inputs: dict[Place, Inputs] = {}
        self._seed_of: dict[Place, FetchSeed] = {}
        self._active: set[RootKey] = set()

    @property
    def cost(self) -> int:
        return sum(seed.cost for seed in self.seeds.values())

    def activate(self, place: Place) -> FetchSeed:
        """Choose a place; the answer is the fetch it belongs to."""
        known = self._seed_of.get(place)
        if known is not None:
            return known
        self._active |= place.needs.keys()
        seed = self._seed_for(place)
        self._seed_of[place] = seed
        return seed

    def _seed_for(self, place: Place) -> FetchSeed:
        if place.step is Step.ENTER:
            return self._seed(place, ())
        if place.step is Step.HOP:
            way = min(place.ways, key=self._way_cost)
            chosen = tuple((leaf, self.choose(leaf.options)) for leaf in way.leaves)
            self.inputs[place] = chosen
            return self._seed(place, [self.activate(option) for _, option in chosen])
        assert place.parent is not None  # noqa: S101 - what the three other steps start from
        before = self.activate(place.parent)
        return self._seed(place, [before]) if place.step is Step.REENTER else before

    def _seed(self, place: Place, after: Iterable[FetchSeed]) -> FetchSeed:
        earlier = {seed.number: seed for seed in after}
        key = (place.position.track, place.subgraph, frozenset(earlier))
        seed = self.seeds.get(key)
        if seed is None:
            stage = 1 + max((other.stage for other in earlier.values()), default=-1)
            seed = self.seeds[key] = FetchSeed(len(self.seeds), stage, after=earlier)
        seed.roots.append(place)
        return seed

    def choose(self, options: tuple[Place, ...]) -> Place:
        """The option that costs least beyond what is active; the earliest of several."""
        if len(options) == 1:
            return options[0]
        return min(options, key=lambda place: (self.marginal(place), place.stage))

    def marginal(self, place: Place) -> int:
        """An estimate of what the place costs beyond what is active."""
        return sum(fetch_cost(stage) for key, stage in place.needs.items() if key not in self._active)

    def _way_cost(self, way: Way) -> int:
        needs: dict[RootKey, int] = {}
        for leaf in way.leaves:
            needs |= self.choose(leaf.options).needs
        return sum(fetch_cost(stage) for key, stage in needs.items() if key not in self._active)
