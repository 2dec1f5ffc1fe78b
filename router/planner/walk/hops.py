"""Places behind a key.

A hop into subgraph `t` needs the fields of one of `t`'s keys, which may themselves be found behind other hops. The
options of a node are therefore closed in rounds, in the manner of Dijkstra: a round reads only from options found
before it, so a hop never waits for itself, and keeps what is ready earliest, so every hop has the fewest fetches in a
row.

    {product: a{id}, b{id sku}, c{sku}}       bases {a}   round 1: b (id from a)   round 2: c (sku from b)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.planner.choose.path_selection import root_of
from router.planner.walk.contexts import contexts_of
from router.planner.walk.nodes import KeyChoice, Leaf, ObjectNode, PathOption, PathStep, RootKey, undominated

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
    """Finds hops for nodes; `demand` plans the fields of keys and requires."""

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

    def at(self, node: ObjectNode) -> Sequence[PathOption]:
        """All options of the node that are behind a key, in the order they become reachable."""
        if node.closing:
            self.cut_short += 1
        if node.hops is not None:
            return node.hops
        if node.parent is not None and node.type_name == self._query_type:
            node.hops = list(self._reentries(node))
        elif self._is_affordable(node):
            node.hops = []
            node.closing = True
            self._close(node)
            node.closing = False
        else:
            self.cut_short += 1
            self._left_out += 1
            return ()
        return node.hops

    def _is_affordable(self, node: ObjectNode) -> bool:
        if node.helper_depth == 0:
            self._searches_left = MAX_HELPER_SEARCHES
            return True
        if node.helper_depth > self._deepest or not self._searches_left:
            return False
        self._searches_left -= 1
        return True

    def _reentries(self, node: ObjectNode) -> Iterable[PathOption]:
        subgraphs = [name for name in self._graph.subgraph_names if self._graph.type_in(name, self._query_type)]
        for base in undominated(node.bases):
            track, *above = root_of(base).key
            purpose = ":".join((str(len(track)), *above))
            stage = base.stage + 1
            for subgraph in subgraphs:
                key: RootKey = (node.track, subgraph, purpose)
                needs = {**base.needs, key: stage}
                yield PathOption(
                    PathStep.REENTER,
                    node,
                    subgraph,
                    self._query_type,
                    stage,
                    needs,
                    parent=base,
                    purpose=purpose,
                )

    def _close(self, node: ObjectNode) -> None:
        assert node.hops is not None  # noqa: S101 - set by the only caller
        pending = [entry for entry in self._graph.entries(node.type_name) if not _is_where_one_stands(node, entry)]
        while found := self._found(node, pending):
            # Those that are ready later may find a shorter way through those that are ready now.
            earliest = min(option.stage for option in found)
            reached = {option.subgraph: option for option in found if option.stage == earliest}
            node.hops += [option for option in reached.values() if node.is_deferred or not _is_roundabout(option)]
            pending = [entry for entry in pending if entry.subgraph not in reached]

    def _found(self, node: ObjectNode, pending: Sequence[Entry]) -> list[PathOption]:
        """The next options, if there are any: first by keys whose objects need no hop of their own."""
        outer, before = self._deepest, self._left_out
        self._deepest = min(outer, node.helper_depth)
        found = [option for entry in pending if (option := self._enter(node, entry)) is not None]
        self._deepest = outer
        if found or self._left_out == before:
            return found
        return [option for entry in pending if (option := self._enter(node, entry)) is not None]

    def _enter(self, node: ObjectNode, entry: Entry) -> PathOption | None:
        key_choices = [
            KeyChoice(leaves) for key in entry.keys if (leaves := self._demand(node, key.fields)) is not None
        ]
        return self._hop(node, entry, key_choices, "") if key_choices else None

    def requiring(self, node: ObjectNode, entry: Entry, edge: FieldEdge, name: str) -> PathOption | None:
        """An option in the entry's subgraph that is given what field `name` requires."""
        key = (entry.subgraph, name)
        if key in node.requirements:
            return node.requirements[key]
        if key in node.in_progress:
            self.cut_short += 1
            return None
        if node.helper_depth == 0:
            self._searches_left = MAX_HELPER_SEARCHES
        before = self.cut_short
        node.in_progress.add(key)
        option = self._requiring(node, entry, edge, name)
        node.in_progress.discard(key)
        if option is not None or self.cut_short == before:
            node.requirements[key] = option
        return option

    def _requiring(self, node: ObjectNode, entry: Entry, edge: FieldEdge, name: str) -> PathOption | None:
        required: tuple[Leaf, ...] | None = ()
        if edge.requires is not None:
            required = self._demand(node, edge.requires)
        if required is None:
            return None
        contexts = contexts_of(self._graph, self._demand, node, (name, edge.contexts))
        if contexts is None:
            return None
        key_choices = [
            KeyChoice((*leaves, *required, *contexts.leaves))
            for key in entry.keys
            if (leaves := self._demand(node, key.fields)) is not None
        ]
        option = self._hop(node, entry, key_choices, name) if key_choices else None
        if option is not None:
            option.contexts = contexts.values
        return option

    def _hop(self, node: ObjectNode, entry: Entry, key_choices: Sequence[KeyChoice], purpose: str) -> PathOption:
        ranked = key_choices if len(key_choices) == 1 else sorted(key_choices, key=_choice_rank)
        needs: dict[RootKey, int] = {}
        for leaf in ranked[0].leaves:
            needs |= best_option(leaf).needs
        stage = 1 + max(needs.values(), default=0)
        needs[(node.track, entry.subgraph, purpose)] = stage
        return PathOption(
            PathStep.HOP,
            node,
            entry.subgraph,
            entry.type_name,
            stage,
            needs,
            entry=entry,
            key_choices=tuple(ranked),
            purpose=purpose,
        )


def _is_where_one_stands(node: ObjectNode, entry: Entry) -> bool:
    """Whether any hop by the entry would be a roundabout: there is but one option to start from, and it is there."""
    return len(node.bases) == 1 and node.bases[0].subgraph == entry.subgraph and not node.is_deferred


def _is_roundabout(hop: PathOption) -> bool:
    """Whether the hop leads where one stands already when one makes it."""
    return any(base.subgraph == hop.subgraph and base.needs.keys() <= hop.certain for base in hop.node.bases)


def best_option(leaf: Leaf) -> PathOption:
    """The option that can answer first, among those the one with the fewest fetches."""
    return leaf.options[0] if len(leaf.options) == 1 else min(leaf.options, key=_option_rank)


def _option_rank(option: PathOption) -> tuple[int, int]:
    return option.stage, len(option.needs)


def _choice_rank(choice: KeyChoice) -> tuple[int, int]:
    options = [best_option(leaf) for leaf in choice.leaves]
    stage = max((option.stage for option in options), default=0)
    return stage, len({key for option in options for key in option.needs})
