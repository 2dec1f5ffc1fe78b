"""Walk from the selections of an operation to the leaves, and find all options to fetch each leaf (planning §6.2).

If an option resolves a field with subselections, the child object gets an option that continues this option. If only
another subgraph resolves a leaf, a hop leads into this subgraph. The hop starts at the object of the leaf, or at an
ancestor with a key.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
from graphql import FieldNode, NameNode

from router.federation.find_type_name_in_reference import TYPENAME
from router.plan import Each, Key, TypeIs
from router.plan.client_and_internal_response_keys import internal_key
from router.planner.normalise.merge_selections import MergedField, NestedSelections, SelectedField, signature
from router.planner.normalise.skip_and_include_guards import ALWAYS
from router.planner.walk.abstract_types import AbstractSelections
from router.planner.walk.deferred_objects import add_root_options, deferred_object, split_deferred
from router.planner.walk.field_options import FieldOptionFinder
from router.planner.walk.key_hops import KeyHops
from router.planner.walk.nodes_and_options import (
    Leaf,
    LeafSearch,
    ObjectNode,
    PathOption,
    PathStep,
    UnplannableError,
    without_dominated,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from graphql import SelectionSetNode

    from router.planner.graph.query_graph import FieldEdge, QueryGraph
    from router.planner.normalise.deferred_blocks import DeferredBlocks
    from router.planner.normalise.merge_selections import Normaliser
    from router.planner.walk.internal_aliases import InternalAliases
    from router.planner.walk.nodes_and_options import FieldOption

_TYPENAME_NODE = FieldNode(name=NameNode(value=TYPENAME))


class _KeySelections(msgspec.Struct, frozen=True):
    """The fields of a key or a requirement.

    Attributes:
        fields: The fields as they are written in the directive (`@key`, `@requires` or `@fromContext`).
        merged: The same fields, merged by response key. `merged` is used if the fields are selected on an object type
            and no field needs an alias.
    """

    fields: list[SelectedField]
    merged: list[MergedField]


class Explorer:
    """Finds the leaves of one operation, and caches nodes and options.

    `blocks` are the deferred blocks of the operation, or None for an operation without `@defer`.
    """

    def __init__(
        self, graph: QueryGraph, normaliser: Normaliser, aliases: InternalAliases, blocks: DeferredBlocks | None
    ) -> None:
        self.graph = graph
        self.normaliser = normaliser
        self.hops = KeyHops(graph, self.key_leaves)
        self.option_finder = FieldOptionFinder(graph, self.hops)
        self._aliases = aliases
        self._blocks = blocks
        self._key_selections: dict[tuple[int, str], _KeySelections] = {}
        self._failures: dict[Hashable, UnplannableError] = {}

    def root(self, type_name: str, subgraphs: Sequence[str]) -> ObjectNode:
        """Return the node of a root type, such as `Query`.

        The node has a direct option for each of `subgraphs` that defines the root type.
        """
        node = ObjectNode(type_name)
        add_root_options(node, [name for name in subgraphs if self.graph.type_in(name, type_name) is not None])
        return node

    def explore(self, node: ObjectNode, items: Sequence[SelectedField], search: LeafSearch) -> None:
        """Append the leaves of the fields `items` to `search.leaves`. The fields are selected on `node`.

        Raises:
            UnplannableError: No option resolves one of the fields.
        """
        if search.is_internal or self._blocks is None:
            self._explore_undeferred(node, items, search)
            return
        at_once, later = split_deferred(items)
        self._explore_undeferred(node, at_once, search)
        for fragment, deferred in later.items():
            block = self._blocks.at(node.keys, fragment, node.block)
            self.explore(deferred_object(node, block), deferred, search)

    def descend(
        self, node: ObjectNode, selection: MergedField, field_options: Sequence[FieldOption], search: LeafSearch
    ) -> None:
        """Append the leaves of one field to `search.leaves`. `field_options` are the options that resolve the field.

        Raises:
            UnplannableError: `field_options` is empty, or no option resolves a subselection of the field.
        """
        if not field_options:
            raise UnplannableError(node, selection)
        if selection.is_leaf:
            options = without_dominated([option for option, _ in field_options])
            search.leaves.append(Leaf(node, selection, options, is_internal=search.is_internal))
            return
        child = self._child_of(node, selection, field_options, search)
        self.explore(child, self.normaliser.selected_fields(selection.below, selection.type_name), search)

    def typename_leaf(self, node: ObjectNode) -> Leaf:
        """Return an internal `__typename` leaf of `node`.

        The leaf brings the object into the response if no other leaf does.
        """
        item = SelectedField(_TYPENAME_NODE, node.type_name, None, node.guards)
        selection = self.normaliser.merged([item], node.type_name)[0]
        return Leaf(node, selection, tuple(node.direct), is_internal=True)

    def key_leaves(self, node: ObjectNode, selection_set: SelectionSetNode) -> tuple[Leaf, ...] | None:
        """Return the leaves of a key or a requirement of `node`. Return None if one of the leaves cannot be fetched."""
        key = id(selection_set)
        cached = node.memory.key_leaves
        if key in cached:
            return cached[key]
        before = self.hops.incomplete_results
        search = LeafSearch(is_internal=True)
        leaves: tuple[Leaf, ...] | None
        try:
            self._explore_key(node, self._selections_of(selection_set, node.type_name), search)
            leaves = tuple(search.leaves)
        except UnplannableError:
            leaves = None
        if self.hops.incomplete_results == before:
            cached[key] = leaves
        return leaves

    def _selections_of(self, selection_set: SelectionSetNode, type_name: str) -> _KeySelections:
        key = (id(selection_set), type_name)
        cached = self._key_selections.get(key)
        if cached is None:
            items = self.normaliser.selected_fields([NestedSelections(selection_set, ALWAYS, type_name)], type_name)
            cached = self._key_selections[key] = _KeySelections(items, self.normaliser.merged(items, type_name))
        return cached

    def _explore_key(self, node: ObjectNode, key: _KeySelections, search: LeafSearch) -> None:
        aliased = [self._aliased(node, item) for item in key.fields]
        is_as_written = all(item is written for item, written in zip(aliased, key.fields, strict=True))
        if is_as_written and not self.graph.is_abstract(node.type_name):
            self._explore_fields(node, key.merged, search)
        else:
            self._explore_undeferred(node, aliased, search)

    def _explore_undeferred(self, node: ObjectNode, items: Sequence[SelectedField], search: LeafSearch) -> None:
        if search.is_internal:
            items = [self._aliased(node, item) for item in items]
        if not self.graph.is_abstract(node.type_name):
            self._explore_fields(node, self.normaliser.merged(items, node.type_name), search)
            return
        count = len(search.leaves)
        self._explore_abstract(node, items, search)
        self._ensure_object_is_present(node, search, count)

    def _explore_abstract(self, node: ObjectNode, items: Sequence[SelectedField], search: LeafSearch) -> None:
        """Append the leaves of the fields of an interface or union.

        Each interface field is tried in two ways: on the interface, and on each object type. So the search can reach
        the fields inside it several times. To save time, the method remembers the fields that cannot be fetched.
        """
        if self._failures and (failure := self._failures.get(_objects_and_fields(node, items))) is not None:
            raise failure
        before = self.hops.incomplete_results
        try:
            AbstractSelections(self, node, search).explore(items)
        except UnplannableError as error:
            if self.hops.incomplete_results == before:
                self._failures[_objects_and_fields(node, items)] = error
            raise

    def _explore_fields(self, node: ObjectNode, selections: Sequence[MergedField], search: LeafSearch) -> None:
        count = len(search.leaves)
        if search.is_internal:
            self.option_finder.find_needed_hops(node, selections)
        for selection in selections:
            field_options = self.option_finder.options_for(node, selection, is_internal=search.is_internal)
            self._descend_with_more_options(node, selection, field_options, search)
        self._ensure_object_is_present(node, search, count)

    def _descend_with_more_options(
        self, node: ObjectNode, selection: MergedField, field_options: Sequence[FieldOption], search: LeafSearch
    ) -> None:
        """Append the leaves of one field.

        For a field of a key or a requirement, `field_options` may be incomplete (see `FieldOptionFinder.options_for`).
        If these options do not suffice for the subselections of the field, all options are used.
        """
        count = len(search.leaves)
        try:
            self.descend(node, selection, field_options, search)
        except UnplannableError:
            every_option = self.option_finder.every_option_for(node, selection) if search.is_internal else ()
            if selection.is_leaf or len(every_option) <= len(field_options):
                raise
            del search.leaves[count:]
            self.descend(node, selection, every_option, search)

    def _ensure_object_is_present(self, node: ObjectNode, search: LeafSearch, count: int) -> None:
        """Add a `__typename` leaf if the object could otherwise be missing in the response.

        The first `count` leaves of the search belong to other nodes. Only the later leaves belong to this object.
        """
        if not _is_present(node, search.leaves[count:]):
            search.leaves.append(self.typename_leaf(node))

    def _aliased(self, node: ObjectNode, item: SelectedField) -> SelectedField:
        """Return the field, with an alias if its response key is in use.

        A response key is in use if the client has another field, or the same field with other arguments, under this
        key.
        """
        name = item.node.name.value
        if name == TYPENAME:
            return item
        key = self._aliases.key_for(node.keys, name, signature(item.node))
        if key == internal_key(item.node):
            return item
        return msgspec.structs.replace(item, node=replace(item.node, alias=NameNode(value=key)))

    def _child_of(
        self, node: ObjectNode, selection: MergedField, field_options: Sequence[FieldOption], search: LeafSearch
    ) -> ObjectNode:
        """Return the node of the object that the field returns.

        The nodes for keys and requirements are cached. A cached node is returned if the same options resolve the field.
        """
        cache_key = (selection.key, *(option for option, _ in field_options))
        child = node.memory.internal_children.get(cache_key) if search.is_internal else None
        if child is None:
            child = _child(node, selection, search)
            child.direct += [_field_step(child, option, edge) for option, edge in field_options if edge is not None]
            if search.is_internal:
                node.memory.internal_children[cache_key] = child
        return child


def _objects_and_fields(node: ObjectNode, items: Iterable[SelectedField]) -> Hashable:
    """Return a cache key for the fields `items` of `node`.

    Two nodes have equal keys if the same subgraphs can return their objects, and if the fields are equal.
    """
    options = frozenset((option.subgraph, option.type_name, option.scope) for option in node.direct)
    return node.keys, node.type_name, options, tuple((id(item.node), item.types) for item in items)


def _is_present(node: ObjectNode, leaves: Sequence[Leaf]) -> bool:
    """Return whether `leaves` bring the object into the response whenever the object is selected.

    A leaf with its own `@skip` does not suffice, because the leaf can be skipped although the object is selected.
    Returns True for an operation root or a deferred node: such a node needs no leaf.
    """
    if node.parent is None or node.is_deferred:
        return True
    if node.selection is None:
        return bool(leaves)
    return any(leaf.selection.guards <= node.guards for leaf in leaves)


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
        internal_depth=node.internal_depth + 1 if search.is_internal else 0,
    )


def _field_step(child: ObjectNode, option: PathOption, edge: FieldEdge) -> PathOption:
    return PathOption(
        PathStep.FIELD,
        child,
        option.subgraph,
        edge.target,
        option.stage,
        option.needed_fetches,
        scope=edge.scope,
        parent=option,
        edge=edge,
    )
