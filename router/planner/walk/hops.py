"""Places behind a key.

A hop into subgraph `t` needs the fields of one of `t`'s keys, which may themselves be found behind other hops. The
places of a position are therefore closed in rounds, in the manner of Dijkstra: a round reads only from places found
before it, so a hop never waits for itself, and keeps what is ready earliest, so every hop has the fewest fetches in a
row.

    {product: a{id}, b{id sku}, c{sku}}       bases {a}   round 1: b (id from a)   round 2: c (sku from b)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.planner.choose.path_selection import root_of
from router.planner.walk.contexts import contexts_of
from router.planner.walk.nodes import Leaf, Place, Position, RootKey, Step, Way, undominated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.planner.graph.query_graph import Entry, FieldEdge, QueryGraph
    from router.planner.walk.nodes import Demand

# An object in a key or a requirement may need a hop of its own, whose key has objects in it, and so on: the number of
# ways grows with every level. So far down they are looked for, and so many times on account of one object or
# requirement of the client's.
MAX_HELPER_DEPTH = 12
MAX_HELPER_SEARCHES = 400


class Hops:
    """Finds hops for positions; `demand` plans the fields of keys and requires."""

    def __init__(self, graph: QueryGraph, query_type: str, demand: Demand) -> None:
        self._graph = graph
        self._query_type = query_type
        self._demand = demand
        # Counts answers that were cut short by a search still going on: such answers must not be remembered.
        self.cut_short = 0
        # Counts searches in helper objects that were left out.
        self._left_out = 0
        self._deepest = MAX_HELPER_DEPTH
        self._searches_left = MAX_HELPER_SEARCHES

    def at(self, position: Position) -> Sequence[Place]:
        """All places of the position that are behind a key, in the order they become reachable."""
        if position.closing:
            self.cut_short += 1
        if position.hops is not None:
            return position.hops
        if position.parent is not None and position.type_name == self._query_type:
            position.hops = list(self._reentries(position))
        elif self._is_affordable(position):
            position.hops = []
            position.closing = True
            self._close(position)
            position.closing = False
        else:
            self.cut_short += 1
            self._left_out += 1
            return ()
        return position.hops

    def _is_affordable(self, position: Position) -> bool:
        if position.helper_depth == 0:
            self._searches_left = MAX_HELPER_SEARCHES
            return True
        if position.helper_depth > self._deepest or not self._searches_left:
            return False
        self._searches_left -= 1
        return True

    def _reentries(self, position: Position) -> Iterable[Place]:
        subgraphs = [name for name in self._graph.subgraph_names if self._graph.type_in(name, self._query_type)]
        for base in undominated(position.bases):
            track, *above = root_of(base).key
            purpose = ":".join((str(len(track)), *above))
            stage = base.stage + 1
            for subgraph in subgraphs:
                key: RootKey = (position.track, subgraph, purpose)
                needs = {**base.needs, key: stage}
                yield Place(
                    Step.REENTER,
                    position,
                    subgraph,
                    self._query_type,
                    stage,
                    needs,
                    parent=base,
                    purpose=purpose,
                )

    def _close(self, position: Position) -> None:
        assert position.hops is not None  # noqa: S101 - set by the only caller
        pending = [
            entry for entry in self._graph.entries(position.type_name) if not _is_where_one_stands(position, entry)
        ]
        while found := self._found(position, pending):
            # Those that are ready later may find a shorter way through those that are ready now.
            earliest = min(place.stage for place in found)
            reached = {place.subgraph: place for place in found if place.stage == earliest}
            position.hops += [place for place in reached.values() if position.is_deferred or not _is_roundabout(place)]
            pending = [entry for entry in pending if entry.subgraph not in reached]

    def _found(self, position: Position, pending: Sequence[Entry]) -> list[Place]:
        """The next places, if there are any: first by keys whose objects need no hop of their own."""
        outer, before = self._deepest, self._left_out
        self._deepest = min(outer, position.helper_depth)
        found = [place for entry in pending if (place := self._enter(position, entry)) is not None]
        self._deepest = outer
        if found or self._left_out == before:
            return found
        return [place for entry in pending if (place := self._enter(position, entry)) is not None]

    def _enter(self, position: Position, entry: Entry) -> Place | None:
        ways = [Way(leaves) for key in entry.keys if (leaves := self._demand(position, key.fields)) is not None]
        return self._hop(position, entry, ways, "") if ways else None

    def requiring(self, position: Position, entry: Entry, edge: FieldEdge, name: str) -> Place | None:
        """A place in the entry's subgraph that is given what field `name` requires."""
        key = (entry.subgraph, name)
        if key in position.requirements:
            return position.requirements[key]
        if key in position.in_progress:
            self.cut_short += 1
            return None
        if position.helper_depth == 0:
            self._searches_left = MAX_HELPER_SEARCHES
        before = self.cut_short
        position.in_progress.add(key)
        place = self._requiring(position, entry, edge, name)
        position.in_progress.discard(key)
        if place is not None or self.cut_short == before:
            position.requirements[key] = place
        return place

    def _requiring(self, position: Position, entry: Entry, edge: FieldEdge, name: str) -> Place | None:
        required: tuple[Leaf, ...] | None = ()
        if edge.requires is not None:
            required = self._demand(position, edge.requires)
        if required is None:
            return None
        contexts = contexts_of(self._graph, self._demand, position, (name, edge.contexts))
        if contexts is None:
            return None
        ways = [
            Way((*leaves, *required, *contexts.leaves))
            for key in entry.keys
            if (leaves := self._demand(position, key.fields)) is not None
        ]
        place = self._hop(position, entry, ways, name) if ways else None
        if place is not None:
            place.contexts = contexts.values
        return place

    def _hop(self, position: Position, entry: Entry, ways: Sequence[Way], purpose: str) -> Place:
        ranked = ways if len(ways) == 1 else sorted(ways, key=_way_rank)
        needs: dict[RootKey, int] = {}
        for leaf in ranked[0].leaves:
            needs |= best_option(leaf).needs
        stage = 1 + max(needs.values(), default=0)
        needs[(position.track, entry.subgraph, purpose)] = stage
        return Place(
            Step.HOP,
            position,
            entry.subgraph,
            entry.type_name,
            stage,
            needs,
            entry=entry,
            ways=tuple(ranked),
            purpose=purpose,
        )


def _is_where_one_stands(position: Position, entry: Entry) -> bool:
    """Whether any hop by the entry would be a roundabout: there is but one place to start from, and it is there."""
    return len(position.bases) == 1 and position.bases[0].subgraph == entry.subgraph and not position.is_deferred


def _is_roundabout(hop: Place) -> bool:
    """Whether the hop leads where one stands already when one makes it."""
    return any(base.subgraph == hop.subgraph and base.needs.keys() <= hop.certain for base in hop.position.bases)


def best_option(leaf: Leaf) -> Place:
    """The option that can answer first, among those the one with the fewest fetches."""
    return leaf.options[0] if len(leaf.options) == 1 else min(leaf.options, key=_place_rank)


def _place_rank(place: Place) -> tuple[int, int]:
    return place.stage, len(place.needs)


def _way_rank(way: Way) -> tuple[int, int]:
    options = [best_option(leaf) for leaf in way.leaves]
    stage = max((option.stage for option in options), default=0)
    return stage, len({key for option in options for key in option.needs})
