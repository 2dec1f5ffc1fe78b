"""A choice of places as the fetches it comes to.

Two roots are one fetch when they enter the same subgraph for the same objects after the same fetches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.planner.choose.path_selection import Decisions, fetch_cost, root_of
from router.planner.walk.nodes import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.planner.walk.nodes import Place, RootKey


@dataclass(eq=False, slots=True)
class FetchSeed:
    """A fetch before its selections: the roots that share it and the fetches it waits for."""

    number: int
    stage: int
    roots: list[Place] = field(default_factory=list)
    after: dict[int, FetchSeed] = field(default_factory=dict)


class Activation:
    """The fetches of a choice, each after those it waits for."""

    def __init__(self, places: Iterable[Place]) -> None:
        decisions = Decisions(places)
        decisions.settle(certain_only=False)
        self.inputs = decisions.inputs
        self.weighed = decisions.weighed
        self.seeds: dict[tuple[tuple[str, ...], str, frozenset[int]], FetchSeed] = {}
        self._seed_of: dict[Place, FetchSeed] = {}
        for root in decisions.roots:
            self._seed(root)

    @property
    def cost(self) -> int:
        """Apollo's cost, fields left out."""
        return sum(fetch_cost(seed.stage) for seed in self.seeds.values())

    @property
    def rank(self) -> tuple[int, int]:
        """The cost; among equal ones the fewest subgraphs for the same objects.

        Fetches of one subgraph for the same objects may become one, although they wait for different fetches.
        """
        return self.cost, len({(track, subgraph) for track, subgraph, _ in self.seeds})

    @property
    def fetched(self) -> frozenset[RootKey]:
        """The roots that are chosen."""
        return frozenset(root.key for seed in self.seeds.values() for root in seed.roots)

    def _seed(self, root: Place) -> FetchSeed:
        known = self._seed_of.get(root)
        if known is not None:
            return known
        earlier = {seed.number: seed for seed in (self._seed(root_of(place)) for place in self._sources(root))}
        key = (root.position.track, root.subgraph, frozenset(earlier))
        seed = self.seeds.get(key)
        if seed is None:
            stage = 1 + max((other.stage for other in earlier.values()), default=-1)
            seed = self.seeds[key] = FetchSeed(len(self.seeds), stage, after=earlier)
        seed.roots.append(root)
        self._seed_of[root] = seed
        return seed

    def _sources(self, root: Place) -> list[Place]:
        if root.step is Step.REENTER:
            assert root.parent is not None  # noqa: S101 - the place it re-enters from
            return [root.parent]
        return [place for _, place in self.inputs.get(root, ())]
