"""Options behind a key (planning §3.2 to §3.4).

A hop enters another subgraph by `_entities`. It needs the fields of one of that subgraph's keys, which may be behind
other hops themselves. The hops of a node are found in rounds, as in Dijkstra's algorithm: a round reads keys only from
options of earlier rounds, and keeps what is ready first. So a hop never waits for itself, and every subgraph is entered
after the fewest fetches in a row.

    product: a has id; b has id and sku; c has sku     direct: a     round 1: b (id from a)     round 2: c (sku from b)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.planner.walk.context_arguments import context_arguments
from router.planner.walk.nodes_and_options import (
    FetchId,
    KeyChoice,
    Leaf,
    ObjectNode,
    PathOption,
    PathStep,
    fetch_start,
    without_dominated,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.planner.graph.query_graph import Entry, FieldEdge, QueryGraph
    from router.planner.walk.nodes_and_options import KeyLeaves

# An object in a key or a requirement may need a hop of its own, by a key with objects in it, and so on. The number of
# paths multiplies with every level. So objects are followed this deep, and this often for one object or requirement
# of the client.
MAX_INTERNAL_DEPTH: Final = 12
MAX_INTERNAL_SEARCHES: Final = 400


class KeyHops:
    """Finds the hops of nodes; `key_leaves` plans the fields of keys and requirements."""

    def __init__(self, graph: QueryGraph, key_leaves: KeyLeaves) -> None:
        self._graph = graph
        query = graph.supergraph.schema.query_type
        self._query_type = None if query is None else query.name
        self._key_leaves = key_leaves
        # Counts results that are incomplete because a search was in progress or left out: those are not remembered.
        self.incomplete_results = 0
        # Counts searches that were left out because of the limits above.
        self._left_out = 0
        self._deepest = MAX_INTERNAL_DEPTH
        self._searches_left = MAX_INTERNAL_SEARCHES

    def at(self, node: ObjectNode) -> Sequence[PathOption]:
        """All options of a node behind a key, those after fewer fetches in a row first."""
        memory = node.memory
        if memory.is_searching_hops:
            self.incomplete_results += 1
        if memory.hops is not None:
            return memory.hops
        if node.parent is not None and node.type_name == self._query_type:
            memory.hops = list(self._reentries(node))
        elif self._is_affordable(node):
            memory.hops = []
            memory.is_searching_hops = True
            self._find_all(node, memory.hops)
            memory.is_searching_hops = False
        else:
            self.incomplete_results += 1
            self._left_out += 1
            return ()
        return memory.hops

    def requiring(self, node: ObjectNode, entry: Entry, edge: FieldEdge, name: str) -> PathOption | None:
        """The hop into the entry's subgraph with what field `name` requires, None if that cannot be fetched."""
        memory = node.memory
        key = (entry.subgraph, name)
        if key in memory.requiring:
            return memory.requiring[key]
        if key in memory.in_progress:
            self.incomplete_results += 1
            return None
        if node.internal_depth == 0:
            self._searches_left = MAX_INTERNAL_SEARCHES
        before = self.incomplete_results
        memory.in_progress.add(key)
        hop = self._requiring(node, entry, edge, name)
        memory.in_progress.discard(key)
        if hop is not None or self.incomplete_results == before:
            memory.requiring[key] = hop
        return hop

    def _requiring(self, node: ObjectNode, entry: Entry, edge: FieldEdge, name: str) -> PathOption | None:
        required: tuple[Leaf, ...] | None = ()
        if edge.requires is not None:
            required = self._key_leaves(node, edge.requires)
        if required is None:
            return None
        contexts = context_arguments(self._graph, self._key_leaves, node, name, edge)
        if contexts is None:
            return None
        choices = [
            KeyChoice((*leaves, *required, *contexts.leaves))
            for key in entry.keys
            if (leaves := self._key_leaves(node, key.fields)) is not None
        ]
        hop = _hop(node, entry, choices, name) if choices else None
        if hop is not None:
            hop.contexts = contexts.values
        return hop

    def _is_affordable(self, node: ObjectNode) -> bool:
        if node.internal_depth == 0:
            self._searches_left = MAX_INTERNAL_SEARCHES
            return True
        if node.internal_depth > self._deepest or not self._searches_left:
            return False
        self._searches_left -= 1
        return True

    def _reentries(self, node: ObjectNode) -> Iterable[PathOption]:
        subgraphs = [name for name in self._graph.subgraph_names if self._graph.type_in(name, node.type_name)]
        for option in without_dominated(node.direct):
            track, *other = fetch_start(option).fetch_id
            purpose = ":".join((str(len(track)), *other))
            stage = option.stage + 1
            for subgraph in subgraphs:
                key: FetchId = (node.track, subgraph, purpose)
                needs = {**option.needed_fetches, key: stage}
                yield PathOption(
                    PathStep.QUERY_ROOT, node, subgraph, node.type_name, stage, needs, parent=option, purpose=purpose
                )

    def _find_all(self, node: ObjectNode, hops: list[PathOption]) -> None:
        pending = [entry for entry in self._graph.entries(node.type_name) if not _is_only_start(node, entry)]
        while found := self._next_round(node, pending):
            # Those that are ready later may find a shorter path through those that are ready now.
            earliest = min(hop.stage for hop in found)
            reached = {hop.subgraph: hop for hop in found if hop.stage == earliest}
            hops += [hop for hop in reached.values() if node.is_deferred or not _leads_back(hop)]
            pending = [entry for entry in pending if entry.subgraph not in reached]

    def _next_round(self, node: ObjectNode, pending: Sequence[Entry]) -> list[PathOption]:
        """The hops that are possible now: first by keys whose objects need no hop of their own."""
        outer, before = self._deepest, self._left_out
        self._deepest = min(outer, node.internal_depth)
        found = [hop for entry in pending if (hop := self._enter(node, entry)) is not None]
        self._deepest = outer
        if found or self._left_out == before:
            return found
        return [hop for entry in pending if (hop := self._enter(node, entry)) is not None]

    def _enter(self, node: ObjectNode, entry: Entry) -> PathOption | None:
        choices = [
            KeyChoice(leaves) for key in entry.keys if (leaves := self._key_leaves(node, key.fields)) is not None
        ]
        return _hop(node, entry, choices, "") if choices else None


def _hop(node: ObjectNode, entry: Entry, choices: Sequence[KeyChoice], purpose: str) -> PathOption:
    ranked = choices if len(choices) == 1 else sorted(choices, key=_choice_rank)
    needs: dict[FetchId, int] = {}
    for leaf in ranked[0].leaves:
        needs |= earliest_option(leaf).needed_fetches
    stage = 1 + max(needs.values(), default=0)
    needs[(node.track, entry.subgraph, purpose)] = stage
    return PathOption(
        PathStep.KEY_HOP,
        node,
        entry.subgraph,
        entry.type_name,
        stage,
        needs,
        entry=entry,
        key_choices=tuple(ranked),
        purpose=purpose,
    )


def _is_only_start(node: ObjectNode, entry: Entry) -> bool:
    """Whether the entry's subgraph has the only direct option, so that a hop into it could only lead back."""
    return len(node.direct) == 1 and node.direct[0].subgraph == entry.subgraph and not node.is_deferred


def _leads_back(hop: PathOption) -> bool:
    """Whether the subgraph of the hop has a direct option whose fetches the hop needs anyway."""
    return any(
        option.subgraph == hop.subgraph and option.needed_fetches.keys() <= hop.unavoidable_fetches
        for option in hop.node.direct
    )


def earliest_option(leaf: Leaf) -> PathOption:
    """The option with the fewest fetches in a row; among those, the one with the fewest fetches."""
    return leaf.options[0] if len(leaf.options) == 1 else min(leaf.options, key=_option_rank)


def _option_rank(option: PathOption) -> tuple[int, int]:
    return option.stage, len(option.needed_fetches)


def _choice_rank(choice: KeyChoice) -> tuple[int, int]:
    options = [earliest_option(leaf) for leaf in choice.leaves]
    stage = max((option.stage for option in options), default=0)
    return stage, len({key for option in options for key in option.needed_fetches})
