"""The fetches that follow from a set of chosen options.

Two roots are one fetch if they enter the same subgraph for the same objects, after the same fetches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.planner.choose.cost import fetch_cost
from router.planner.choose.path_selection import NOTHING, PathSelection
from router.planner.walk.nodes_and_options import PathStep, root_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from router.planner.choose.path_selection import Inputs
    from router.planner.walk.nodes_and_options import PathOption, RootKey


@dataclass(eq=False, slots=True)
class FetchDraft:
    """A fetch before its selections: the roots that share it and the fetches it waits for."""

    number: int
    stage: int
    roots: list[PathOption] = field(default_factory=list)
    after: dict[int, FetchDraft] = field(default_factory=dict)


class FetchCosting:
    """The fetches of chosen options, each after those it waits for.

    `decided` says for some hops what they read; the other hops read where it costs least.
    """

    def __init__(self, options: Iterable[PathOption], decided: Mapping[PathOption, Inputs] = NOTHING) -> None:
        selection = PathSelection(options, decided)
        selection.settle(certain_only=False)
        self.inputs = selection.inputs
        self.unforced = selection.unforced
        self.compared = selection.compared
        self.fetches: dict[tuple[tuple[str, ...], str, frozenset[int]], FetchDraft] = {}
        self._fetch_of: dict[PathOption, FetchDraft] = {}
        for root in selection.roots:
            self._fetch(root)

    @property
    def cost(self) -> int:
        """The cost of the fetches without their fields."""
        return sum(fetch_cost(fetch.stage) for fetch in self.fetches.values())

    @property
    def rank(self) -> tuple[int, int]:
        """The cost, then the number of subgraphs asked for the same objects.

        Fetches of the same objects from one subgraph can become one later, even if they wait for different fetches.
        """
        return self.cost, len({(track, subgraph) for track, subgraph, _ in self.fetches})

    @property
    def fetched(self) -> frozenset[RootKey]:
        """The keys of all roots that are fetched."""
        return frozenset(root.key for fetch in self.fetches.values() for root in fetch.roots)

    def _fetch(self, root: PathOption) -> FetchDraft:
        known = self._fetch_of.get(root)
        if known is not None:
            return known
        earlier = {fetch.number: fetch for fetch in (self._fetch(root_of(option)) for option in self._sources(root))}
        key = (root.node.track, root.subgraph, frozenset(earlier))
        fetch = self.fetches.get(key)
        if fetch is None:
            stage = 1 + max((other.stage for other in earlier.values()), default=-1)
            fetch = self.fetches[key] = FetchDraft(len(self.fetches), stage, after=earlier)
        fetch.roots.append(root)
        self._fetch_of[root] = fetch
        return fetch

    def _sources(self, root: PathOption) -> list[PathOption]:
        if root.step is PathStep.REENTER:
            assert root.parent is not None  # noqa: S101 - the option whose field is the query root
            return [root.parent]
        return [option for _, option in self.inputs.get(root, ())]
