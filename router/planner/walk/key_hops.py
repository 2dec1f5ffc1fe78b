"""Find the key hops of a node: options that lead into another subgraph by a key (planning §3.2 to §3.4).

A hop into a subgraph needs the fields of one of the subgraph's keys. Other hops may be needed to fetch the key fields.
So the hops of a node are found in rounds, as in Dijkstra's algorithm. Each round reads key fields only from options of
earlier rounds, and accepts only the hops with the lowest stage. So no hop waits for itself, and for each subgraph the
hop with the lowest stage is found.

    fields of Product:    a: id      b: id, sku      c: sku

    direct option:        a
    round 1:              hop into b, by `id` from a
    round 2:              hop into c, by `sku` from b
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from router.planner.walk.context_arguments import ContextArgumentFinder
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
    from collections.abc import Iterable, Iterator, Sequence

    from router.planner.graph.query_graph import Entry, FieldEdge, QueryGraph
    from router.planner.walk.nodes_and_options import KeyLeaves

# A key can contain an object, as in `owner { id }`. To fetch the fields of this object, a hop may be needed. The key of
# this hop can again contain an object, and so on. The number of paths multiplies with every level. So
# `MAX_INTERNAL_DEPTH` limits the number of levels. `MAX_INTERNAL_SEARCHES` limits how many searches for hops can follow
# from one object that the client selects, or from one of its fields with requirements.
MAX_INTERNAL_DEPTH: Final = 12
MAX_INTERNAL_SEARCHES: Final = 400


class KeyHops:
    """Finds the hops by key from an object node to other subgraphs.

    The caller passes `key_leaves`, a function that returns the leaves of a key or a requirement.
    """

    def __init__(self, graph: QueryGraph, key_leaves: KeyLeaves) -> None:
        self._graph = graph
        query = graph.supergraph.schema.query_type
        self._query_type = None if query is None else query.name
        self._key_leaves = key_leaves
        self._context_arguments = ContextArgumentFinder(graph, key_leaves)
        # The number of incomplete results so far. A result is incomplete if it depends on a search that is still
        # running or was skipped. Incomplete results are not cached.
        self.incomplete_results = 0
        # The number of searches that were skipped because of `MAX_INTERNAL_DEPTH` or `MAX_INTERNAL_SEARCHES`.
        self._skipped = 0
        self._max_depth = MAX_INTERNAL_DEPTH
        self._searches_left = MAX_INTERNAL_SEARCHES

    def at(self, node: ObjectNode) -> Sequence[PathOption]:
        """Return the hops of a node, sorted by stage.

        If the object is the value of a field of type `Query`, return options that begin at the query root of each
        subgraph (*re-entry*).
        """
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
            self._skipped += 1
            return ()
        return memory.hops

    def requiring(self, node: ObjectNode, entry: Entry, edge: FieldEdge, name: str) -> PathOption | None:
        """Return the hop that resolves field `name` after its requirements are fetched.

        Returns None if a requirement cannot be fetched, or if no key can be fetched.
        """
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
        contexts = self._context_arguments.find(node, name, edge)
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
            hop.contextual_field = name
        return hop

    def with_context_from_above(self, node: ObjectNode, edge: FieldEdge, name: str, subgraph: str) -> list[PathOption]:
        """Return options that resolve field `name` in a fetch that begins at an ancestor of `node`.

        Such an option copies the path of a direct option of `node`. Its fetch begins with a hop to the ancestor. This
        hop also waits for the values of the field's `@fromContext` arguments. So no hop to `node` itself is needed.
        """
        found: list[PathOption] = []
        if edge.requires is None and node.internal_depth == 0:
            for option in node.direct:
                if option.subgraph == subgraph and self._graph.field(subgraph, option.type_name, name) is edge:
                    found += self._entered_above(option, edge, name)
        return found

    def _entered_above(self, option: PathOption, edge: FieldEdge, name: str) -> Iterator[PathOption]:
        """Yield a copy of `option` whose hop also waits for the values of the field's `@fromContext` arguments.

        Nothing is yielded if there can be no such copy, or if it would save no fetch.
        """
        start = fetch_start(option)
        steps = _steps_between(start, option)
        entered = sum(step.step is PathStep.FIELD for step in steps)
        is_ordinary = start.step is PathStep.KEY_HOP and not start.purpose
        if not entered or not is_ordinary or any(step.step is PathStep.DEFER for step in steps):
            return
        contexts = self._context_arguments.find(option.node, name, edge, entered)
        if contexts is None or any(_all_need(leaf, start.fetch_id) for leaf in contexts.leaves):
            # A hop that waits for the fetch of `start` would fetch the same objects once more. It saves no fetch.
            return
        assert start.entry is not None  # noqa: S101 - a key hop has an entry
        choices = [KeyChoice((*choice.leaves, *contexts.leaves)) for choice in start.key_choices]
        keys = option.node.keys[len(start.node.keys) :]
        at = hop = _hop(start.node, start.entry, choices, ".".join((*keys, name)))
        hop.contexts = contexts.values
        of_keys = {id(leaf) for choice in start.key_choices for leaf in choice.leaves}
        hop.context_leaves = tuple(leaf for leaf in contexts.leaves if id(leaf) not in of_keys)
        for step in steps:
            at = replace(step, parent=at, stage=hop.stage, needed_fetches=hop.needed_fetches, _unavoidable_fetches=None)
        yield replace(at, contexts=contexts.values, contextual_field=name)

    def _is_affordable(self, node: ObjectNode) -> bool:
        if node.internal_depth == 0:
            self._searches_left = MAX_INTERNAL_SEARCHES
            return True
        if node.internal_depth > self._max_depth or not self._searches_left:
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
        pending = [entry for entry in self._graph.entries(node.type_name) if not _has_only_direct_option(node, entry)]
        while found := self._next_round(node, pending):
            # Hops with a higher stage are not accepted yet. The next round can also use the hops accepted now, and may
            # then find them at a lower stage.
            earliest = min(hop.stage for hop in found)
            accepted = {(hop.subgraph, hop.type_name): hop for hop in found if hop.stage == earliest}
            hops += [hop for hop in accepted.values() if node.is_deferred or not _leads_back(hop)]
            pending = [entry for entry in pending if (entry.subgraph, entry.type_name) not in accepted]

    def _next_round(self, node: ObjectNode, pending: Sequence[Entry]) -> list[PathOption]:
        """Return the hops whose keys can be fetched with the options found so far.

        The first attempt makes no hops for objects inside a key, such as the owner in `owner { id }`. If the first
        attempt finds nothing, a second attempt makes these hops.
        """
        outer, before = self._max_depth, self._skipped
        self._max_depth = min(outer, node.internal_depth)
        found = [hop for entry in pending if (hop := self._enter(node, entry)) is not None]
        self._max_depth = outer
        if found or self._skipped == before:
            return found
        return [hop for entry in pending if (hop := self._enter(node, entry)) is not None]

    def _enter(self, node: ObjectNode, entry: Entry) -> PathOption | None:
        choices = [
            KeyChoice(leaves) for key in entry.keys if (leaves := self._key_leaves(node, key.fields)) is not None
        ]
        return _hop(node, entry, choices, "") if choices else None


def _all_need(leaf: Leaf, fetch: FetchId) -> bool:
    return all(fetch in option.unavoidable_fetches for option in leaf.options)


def _steps_between(start: PathOption, option: PathOption) -> list[PathOption]:
    """Return the options after `start` on the path to `option`."""
    steps: list[PathOption] = []
    while option is not start:
        steps.append(option)
        assert option.parent is not None  # noqa: S101 - only options that start a fetch have no parent
        option = option.parent
    return steps[::-1]


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


def _has_only_direct_option(node: ObjectNode, entry: Entry) -> bool:
    """Return whether a hop by `entry` is useless, because the node's only direct option is in the same subgraph.

    Returns False for a deferred node: its fields need a separate fetch.
    """
    if len(node.direct) != 1 or node.is_deferred:
        return False
    (option,) = node.direct
    return option.subgraph == entry.subgraph and not (
        entry.is_interface_object and entry.type_name not in (option.type_name, node.type_name)
    )


def _leads_back(hop: PathOption) -> bool:
    """Return whether the hop leads back into a subgraph that has the object already.

    Such a hop is useless: it needs all fetches that the direct option in this subgraph needs, and one fetch more.
    """
    return any(
        option.subgraph == hop.subgraph
        and option.needed_fetches.keys() <= hop.unavoidable_fetches
        and hop.type_name in (option.type_name, hop.node.type_name)
        for option in hop.node.direct
    )


def earliest_option(leaf: Leaf) -> PathOption:
    """Return the option of a leaf with the lowest stage.

    Among options with this stage, the option that needs the fewest fetches is returned.
    """
    return leaf.options[0] if len(leaf.options) == 1 else min(leaf.options, key=_option_rank)


def _option_rank(option: PathOption) -> tuple[int, int]:
    return option.stage, len(option.needed_fetches)


def _choice_rank(choice: KeyChoice) -> tuple[int, int]:
    options = [earliest_option(leaf) for leaf in choice.leaves]
    stage = max((option.stage for option in options), default=0)
    return stage, len({key for option in options for key in option.needed_fetches})
