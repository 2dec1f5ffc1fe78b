"""Find the fetches that a set of chosen options needs, and what these fetches cost.

A fetch start is an option with which a fetch begins (see `router.planner.walk`). Two fetch starts share one fetch if
they fetch the same objects from the same subgraph and wait for the same earlier fetches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from router.planner.choose.choose_hop_inputs import NOTHING, ChosenPaths
from router.planner.choose.plan_cost import fetch_cost
from router.planner.walk.nodes_and_options import PathStep, fetch_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from router.planner.choose.choose_hop_inputs import Inputs
    from router.planner.walk.nodes_and_options import FetchId, PathOption


class FetchDraft(msgspec.Struct, eq=False):
    """A fetch whose selections are not known yet.

    Attributes:
        starts: The fetch starts (options with which a fetch begins) that share this fetch.
        after: The fetches that must run before this fetch, by number.
    """

    number: int
    stage: int
    starts: list[PathOption] = msgspec.field(default_factory=list)
    after: dict[int, FetchDraft] = msgspec.field(default_factory=dict)

    def waits_for(self, other: FetchDraft) -> bool:
        """Return whether this fetch waits for the other fetch, directly or through further fetches."""
        seen: dict[int, FetchDraft] = {}
        pending = list(self.after.values())
        while pending and other.number not in seen:
            fetch = pending.pop()
            if fetch.number not in seen:
                seen[fetch.number] = fetch
                pending += fetch.after.values()
        return other.number in seen


class ChosenFetches:
    """The fetches that the chosen options need. In `fetches`, each fetch comes after the fetches that it waits for.

    `decided` maps some hops to the inputs that they must use. For the other hops, the class chooses the cheapest inputs
    that it finds.
    """

    def __init__(self, options: Iterable[PathOption], decided: Mapping[PathOption, Inputs] = NOTHING) -> None:
        chosen = ChosenPaths(options, decided)
        chosen.decide_hops(weigh_costs=True)
        self.inputs = chosen.inputs
        self.hops_with_choice = chosen.hops_with_choice
        self.compared = chosen.compared
        self.fetches: dict[tuple[tuple[str, ...], str, frozenset[int]], FetchDraft] = {}
        self._fetch_of: dict[PathOption, FetchDraft] = {}
        for start in chosen.starts:
            self._fetch(start)

    @property
    def cost(self) -> int:
        """The cost of the fetches, not counting their fields."""
        return sum(fetch_cost(fetch.stage) for fetch in self.fetches.values())

    @property
    def rank(self) -> tuple[int, int]:
        """The cost of the fetches without their fields, then the number of fetches after merging. Lower is better.

        All fetches of the same objects from one subgraph count as one fetch, because a later pass can merge these
        fetches.
        """
        return self.cost, len({(track, subgraph) for track, subgraph, _ in self.fetches})

    @property
    def fetched(self) -> frozenset[FetchId]:
        """The ids (`FetchId`) of all fetches."""
        return frozenset(start.fetch_id for fetch in self.fetches.values() for start in fetch.starts)

    def fetch_of(self, start: PathOption) -> FetchDraft:
        """Return the fetch that begins with a fetch start of the chosen options."""
        return self._fetch_of[start]

    def _fetch(self, start: PathOption) -> FetchDraft:
        cached = self._fetch_of.get(start)
        if cached is not None:
            return cached
        earlier = {
            fetch.number: fetch for fetch in (self._fetch(fetch_start(option)) for option in self._sources(start))
        }
        key = (start.node.track, start.subgraph, frozenset(earlier))
        fetch = self.fetches.get(key)
        if fetch is None:
            stage = 1 + max((other.stage for other in earlier.values()), default=-1)
            fetch = self.fetches[key] = FetchDraft(len(self.fetches), stage, after=earlier)
        fetch.starts.append(start)
        self._fetch_of[start] = fetch
        return fetch

    def _sources(self, start: PathOption) -> list[PathOption]:
        if start.step is PathStep.QUERY_ROOT:
            assert start.parent is not None  # noqa: S101 - the option whose field is the query root
            return [start.parent]
        return [option for _, option in self.inputs.get(start, ())]
