"""The walk: from selections to leaves, each with all options it can be fetched at.

Level by level: every option of an object that resolves a composite field gives an option on the object below. A leaf
that only another subgraph has finds its way up to the nearest ancestor from which that subgraph can be entered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphql import FieldNode, NameNode

from router.federation.type_names import TYPENAME
from router.plan import Each, Key, TypeIs
from router.planner.normalise.guards import ALWAYS
from router.planner.normalise.selections import MergedField, NestedSelections, SelectedField, response_key, signature
from router.planner.walk.abstract import explore_abstract
from router.planner.walk.deferral import apart, deferred_object, enter
from router.planner.walk.hops import Hops
from router.planner.walk.nodes import Leaf, LeafSearch, ObjectNode, PathOption, PathStep, UnplannableError, undominated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from graphql import SelectionSetNode

    from router.planner.graph.query_graph import FieldEdge, QueryGraph
    from router.planner.normalise.deferred_blocks import DeferredBlocks
    from router.planner.normalise.selections import Normaliser
    from router.planner.walk.response_keys import ResponseKeys

_TYPENAME_NODE = FieldNode(name=NameNode(value=TYPENAME))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a key or a requirement asks of a type: as it is written, and merged where no response key is taken."""

    items: list[SelectedField]
    selections: list[MergedField]


class Explorer:
    """Explores one operation; everything found stays valid for its lifetime."""

    def __init__(
        self,
        graph: QueryGraph,
        normaliser: Normaliser,
        names: tuple[ResponseKeys, DeferredBlocks | None],
        query_type: str,
    ) -> None:
        self.graph = graph
        self.normaliser = normaliser
        self._keys, self._blocks = names
        self._wanted: dict[tuple[int, str], _Wanted] = {}
        self.hops = Hops(graph, query_type, self.demand)

    def root(self, type_name: str, subgraphs: Sequence[str]) -> ObjectNode:
        """The root of an operation, with an option in each of the subgraphs that has the root type."""
        node = ObjectNode(type_name)
        enter(node, [name for name in subgraphs if self.graph.type_in(name, type_name) is not None])
        return node

    def explore(self, node: ObjectNode, items: Sequence[SelectedField], search: LeafSearch) -> None:
        """Append the leaves of what is selected on the node.

        Raises:
            UnplannableError: a selection has no option at all.
        """
        if search.is_internal or self._blocks is None:
            self._explore_at_once(node, items, search)
            return
        at_once, later = apart(items)
        self._explore_at_once(node, at_once, search)
        for fragment, deferred in later.items():
            block = self._blocks.at(node.keys, fragment, node.block)
            self.explore(deferred_object(node, block), deferred, search)

    def _explore_at_once(self, node: ObjectNode, items: Sequence[SelectedField], search: LeafSearch) -> None:
        if search.is_internal:
            items = [self._keyed(node, item) for item in items]
        if not self.graph.is_abstract(node.type_name):
            self._explore_fields(node, self.normaliser.merged(items, node.type_name), search)
            return
        count = len(search.leaves)
        explore_abstract(self, node, items, search)
        self._ensure_presence(node, search, count)

    def _explore_fields(self, node: ObjectNode, selections: Iterable[MergedField], search: LeafSearch) -> None:
        count = len(search.leaves)
        for selection in selections:
            self.descend(node, selection, self.producers(node, selection, search), search)
        self._ensure_presence(node, search, count)

    def _ensure_presence(self, node: ObjectNode, search: LeafSearch, count: int) -> None:
        """Have the object in the response even if none of its leaves, those after the first `count`, puts it there."""
        if not self._is_present(node, search.leaves[count:]):
            search.leaves.append(self.presence(node))

    @staticmethod
    def _is_present(node: ObjectNode, leaves: Sequence[Leaf]) -> bool:
        """Whether one of its leaves puts the object into the response whenever it has to be there."""
        if node.parent is None or node.is_deferred:
            return True
        if node.selection is None:
            return bool(leaves)
        return any(leaf.selection.guards <= node.guards for leaf in leaves)

    def _keyed(self, node: ObjectNode, item: SelectedField) -> SelectedField:
        """The item under a response key that the client does not use for something else."""
        name = item.node.name.value
        if name == TYPENAME:
            return item
        key = self._keys.key_for(node.keys, name, signature(item.node))
        if key == response_key(item.node):
            return item
        return replace(item, node=replace(item.node, alias=NameNode(value=key)))

    def presence(self, node: ObjectNode) -> Leaf:
        """What to select when nothing else is, so that the object appears in the response."""
        item = SelectedField(_TYPENAME_NODE, node.type_name, None, node.guards)
        selection = self.normaliser.merged([item], node.type_name)[0]
        return Leaf(node, selection, tuple(node.bases), is_internal=True)

    def descend(
        self,
        node: ObjectNode,
        selection: MergedField,
        producers: Sequence[tuple[PathOption, FieldEdge | None]],
        search: LeafSearch,
    ) -> None:
        """Append the leaves of a selection that the given options resolve.

        Raises:
            UnplannableError: there are no such options, or something below has none.
        """
        if not producers:
            raise UnplannableError(node, selection)
        if selection.is_leaf:
            options = undominated([option for option, _ in producers])
            search.leaves.append(Leaf(node, selection, options, is_internal=search.is_internal))
            return
        child = self._child_of(node, selection, producers, search)
        self.explore(child, self.normaliser.items(selection.below, selection.type_name), search)

    def _child_of(
        self,
        node: ObjectNode,
        selection: MergedField,
        producers: Sequence[tuple[PathOption, FieldEdge | None]],
        search: LeafSearch,
    ) -> ObjectNode:
        """The object below; one for all keys and requirements that reach it from the same options."""
        reached = (selection.key, *(option for option, _ in producers))
        child = node.helpers.get(reached) if search.is_internal else None
        if child is None:
            child = self._child(node, selection, search)
            child.bases += [_step(child, option, edge) for option, edge in producers if edge is not None]
            if search.is_internal:
                node.helpers[reached] = child
        return child

    @staticmethod
    def _child(node: ObjectNode, selection: MergedField, search: LeafSearch) -> ObjectNode:
        is_split = selection.key in node.split_keys
        condition = (TypeIs((node.type_name,)),) if is_split else ()
        lists = (Each() for _ in range(selection.list_depth))
        return ObjectNode(
            selection.type_name,
            path=(*node.path, *condition, Key(selection.key), *lists),
            keys=(*node.keys, selection.key),
            track=(*node.track, f"{node.type_name}.{selection.key}" if is_split else selection.key),
            parent=node,
            selection=selection,
            guards=selection.guards,
            block=node.block,
            helper_depth=node.helper_depth + 1 if search.is_internal else 0,
        )

    def producers(
        self, node: ObjectNode, selection: MergedField, search: LeafSearch
    ) -> list[tuple[PathOption, FieldEdge | None]]:
        """Every option of the node the selection can be fetched at; only `__typename` has no edge."""
        if selection.name == TYPENAME:
            return [(option, None) for option in self.typename_options(node)]
        found: list[tuple[PathOption, FieldEdge | None]] = []
        for option in node.bases:
            edge = self.graph.field(option.subgraph, option.type_name, selection.name, option.scope)
            if edge is not None and edge.is_free:
                found.append((option, edge))
        if node.is_deferred and not search.is_internal:
            standing = {option.subgraph for option, _ in found}
            behind = self._behind_keys(node, selection)
            # Of several that cost the same the one that would have been asked without deferring.
            return sorted(behind, key=lambda option: option[0].subgraph not in standing) or found
        if self._bases_suffice(node, selection, found, search):
            return found
        return found + self._behind_keys(node, selection)

    def _behind_keys(self, node: ObjectNode, selection: MergedField) -> list[tuple[PathOption, FieldEdge | None]]:
        found: list[tuple[PathOption, FieldEdge | None]] = []
        for option in self.hops.at(node):
            edge = self.graph.field(option.subgraph, option.type_name, selection.name)
            if edge is not None and edge.is_free:
                found.append((option, edge))
        return found + self._requiring(node, selection)

    def _bases_suffice(
        self,
        node: ObjectNode,
        selection: MergedField,
        found: Sequence[tuple[PathOption, FieldEdge | None]],
        search: LeafSearch,
    ) -> bool:
        """Whether looking behind keys cannot give an option that is better than those found among the bases.

        A hop may spare a fetch that is made for one of several bases alone, or for something deeper, if the hop is made
        anyway. What a key or a requirement is made of has that only where the hops are there to be looked at: they are
        not looked for on its account, lest finding one hop be a search for others.
        """
        is_only_base = len(node.bases) == 1
        if not found or (is_only_base and selection.is_leaf):
            return bool(found)
        if not search.is_internal or (node.hops is not None and not node.closing):
            return False
        earliest = min(base.stage for base in node.bases)
        return is_only_base or any(option.stage == earliest for option, _ in found)

    def _requiring(self, node: ObjectNode, selection: MergedField) -> list[tuple[PathOption, FieldEdge | None]]:
        found: list[tuple[PathOption, FieldEdge | None]] = []
        for entry, edge in self.graph.requiring(node.type_name, selection.name):
            option = self.hops.requiring(node, entry, edge, selection.name)
            if option is not None:
                found.append((option, edge))
        return found

    def typename_options(self, node: ObjectNode) -> Sequence[PathOption]:
        """Places that know the concrete type: an interface object does not."""
        bases = [option for option in node.bases if self.knows_type(option)]
        return bases or [option for option in self.hops.at(node) if self.knows_type(option)]

    def knows_type(self, option: PathOption) -> bool:
        return not self.graph.is_interface_object(option.subgraph, option.type_name)

    def demand(self, node: ObjectNode, selection_set: SelectionSetNode) -> tuple[Leaf, ...] | None:
        """The leaves of a key or requires selection at a node, None if one of them is nowhere to be had."""
        key = id(selection_set)
        if key in node.demands:
            return node.demands[key]
        before = self.hops.cut_short
        search = LeafSearch(is_internal=True)
        leaves: tuple[Leaf, ...] | None
        try:
            self._explore_wanted(node, self._wanted_of(selection_set, node.type_name), search)
            leaves = tuple(search.leaves)
        except UnplannableError:
            leaves = None
        if self.hops.cut_short == before:
            node.demands[key] = leaves
        return leaves

    def _wanted_of(self, selection_set: SelectionSetNode, type_name: str) -> _Wanted:
        key = (id(selection_set), type_name)
        known = self._wanted.get(key)
        if known is None:
            items = self.normaliser.items([NestedSelections(selection_set, ALWAYS, type_name)], type_name)
            known = self._wanted[key] = _Wanted(items, self.normaliser.merged(items, type_name))
        return known

    def _explore_wanted(self, node: ObjectNode, wanted: _Wanted, search: LeafSearch) -> None:
        keyed = [self._keyed(node, item) for item in wanted.items]
        is_as_written = all(item is written for item, written in zip(keyed, wanted.items, strict=True))
        if is_as_written and not self.graph.is_abstract(node.type_name):
            self._explore_fields(node, wanted.selections, search)
        else:
            self._explore_at_once(node, keyed, search)


def _step(child: ObjectNode, option: PathOption, edge: FieldEdge) -> PathOption:
    return PathOption(
        PathStep.FIELD,
        child,
        option.subgraph,
        edge.target,
        option.stage,
        option.needs,
        scope=edge.scope,
        parent=option,
        edge=edge,
    )
