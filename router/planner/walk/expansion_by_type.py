"""Decide whether a field of an interface is expanded: selected on each object type instead of the interface.

If a subgraph resolves an interface field for every object type, the field is usually selected on the interface: this is
shorter than one selection for each type. On the object types, the field can have more options, because each type can be
fetched by its key from further subgraphs. So the field is expanded

- if one of its subselections cannot be fetched otherwise,
- if the options at the earliest stage resolve the field only on the object types, not on the interface, or
- if the whole plan costs less with the expanded field. The walk notes such a field in `LeafSearch.expandable`, and
  `fetch/root_field_planning` compares both plans.

Example: `item` returns an interface with the object types `Book` and `Pen`. The subgraphs `a` and `b` both resolve
`Book.price` and `Pen.price`, but only `b` resolves `Price.currency`:

    { item { price { currency } } }      from a { item { id } }, then from b { ... on Book { price { currency } }  ... }
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.merge_selections import MergedField, Normaliser
    from router.planner.walk.field_options import FieldOptionFinder
    from router.planner.walk.nodes_and_options import ExpandableField, Leaf, LeafSearch, ObjectNode, PathOption


class ExpansionParts(Protocol):
    """The attributes of `router.planner.walk.walk_selections.Explorer` that this module uses."""

    graph: QueryGraph
    normaliser: Normaliser
    option_finder: FieldOptionFinder


class ExpansionByType:
    """Decides which fields of one node are expanded. The type of the node is an interface or a union.

    `object_types` are the types that get a branch if a field is expanded.
    """

    def __init__(
        self, explorer: ExpansionParts, node: ObjectNode, object_types: Sequence[str], search: LeafSearch
    ) -> None:
        self._graph = explorer.graph
        self._normaliser = explorer.normaliser
        self._option_finder = explorer.option_finder
        self._node = node
        self._object_types = object_types
        self._search = search
        self._earliest = min((option.stage for option in node.direct), default=0)

    def has_other_options(self, selection: MergedField, options: Sequence[PathOption]) -> bool:
        """Return whether the expanded field can have options that the field on the abstract type does not have.

        `options` are the options of the field on the abstract type. The field has other options if a further subgraph
        resolves the field on an object type, or if an object type declares a narrower type for the field.
        """
        if selection.name == TYPENAME or not self._object_types:
            return False
        return (
            self._is_resolved_elsewhere(selection, options)
            or any(
                self._normaliser.target(type_name, selection.name) != selection.type_name
                for type_name in self._object_types
            )
            or self._other_direct_options(selection, options)
        )

    def _other_direct_options(self, selection: MergedField, options: Sequence[PathOption]) -> bool:
        return any(
            self._graph.field(option.subgraph, type_name, selection.name, option.scope) is not None
            for option in self._node.direct
            if option not in options
            for type_name in self._graph.possible_in(option.subgraph, option.type_name)
        )

    def note(self, selection: MergedField, options: Sequence[PathOption], leaves: Sequence[Leaf]) -> None:
        """Note the field in `LeafSearch` if expanding the field may save a fetch.

        `leaves` are the leaves of the field on the abstract type. If one fetch can return all of these leaves,
        expanding the field saves this fetch only if the fetch returns nothing else. Such a field is noted in
        `expandable_if_alone`.
        """
        if self._search.is_internal or selection.name == TYPENAME or self._node.is_deferred:
            return
        if not self._loses_nothing(options):
            return
        field = self._expandable(selection)
        stage = min(option.stage for option in options)
        is_elsewhere = self._is_resolved_elsewhere(selection, options)
        if is_elsewhere and any(min(option.stage for option in leaf.options) > stage for leaf in leaves):
            self._search.expandable[field] = None
        elif is_elsewhere or self._other_direct_options(selection, options):
            noted = self._search.expandable_if_alone.get(field, ())
            self._search.expandable_if_alone[field] = (*noted, *leaves)

    def _expandable(self, selection: MergedField) -> ExpandableField:
        return self._node.track, self._node.type_name, selection.key, selection.signature

    def is_preferred(self, selection: MergedField, options: Sequence[PathOption]) -> bool:
        """Return whether to expand a field, although `options` resolve the field on the abstract type.

        Expanding can be better because it allows other options, which may save a fetch.
        """
        if selection.name == TYPENAME or self._node.is_deferred:
            return False
        if self._search.expand and self._expandable(selection) in self._search.expand:
            return True
        first = [option for option in options if option.stage <= self._earliest]
        if not first and self._earliest_options_resolve_each_type(selection, first):
            return True
        # If `_loses_nothing` is True, expanding keeps all options: each option that resolves the field on the abstract
        # type also resolves the field on each object type.
        return self._loses_nothing(options) and (
            self._earliest_options_resolve_each_type(selection, first)
            or self._only_type_is_resolved_elsewhere(selection, options, is_first=bool(first))
        )

    def _earliest_options_resolve_each_type(self, selection: MergedField, first: Sequence[PathOption]) -> bool:
        """Return whether a direct option of the earliest stage resolves the field on each object type.

        Options in `first` do not count, because they resolve the field on the abstract type.
        """
        return any(
            self._resolves_for_each_type(option, selection.name)
            for option in self._node.direct
            if option.stage == self._earliest and option not in first and self._option_finder.knows_type(option)
        )

    def _only_type_is_resolved_elsewhere(
        self, selection: MergedField, options: Sequence[PathOption], *, is_first: bool
    ) -> bool:
        """Return whether the object has only one type, and a subgraph not in `options` resolves the field on this type.

        With several types, the result is False, because the number of paths would multiply at every level.

        `is_first` says that an option of the earliest stage resolves the field. If so, the result is False for a leaf
        field: a search for hops would cost more than it saves.
        """
        if len(self._object_types) > 1 or (is_first and not self._normaliser.is_composite(selection.type_name)):
            return False
        return self._is_resolved_elsewhere(selection, options)

    def _is_resolved_elsewhere(self, selection: MergedField, options: Sequence[PathOption]) -> bool:
        """Return whether a subgraph without an option in `options` resolves the field on one of the object types.

        Only subgraphs that resolve the object by a key count.
        """
        in_options = {option.subgraph for option in options}
        return any(
            entry.subgraph not in in_options
            and self._graph.field(entry.subgraph, entry.type_name, selection.name) is not None
            for type_name in self._object_types
            for entry in self._graph.entries(type_name)
        )

    def _loses_nothing(self, options: Sequence[PathOption]) -> bool:
        return self._direct_return_the_same_types() or self._return_exactly_the_branches(options)

    def _direct_return_the_same_types(self) -> bool:
        types = {self._graph.possible_in(option.subgraph, option.type_name) for option in self._node.direct}
        return len(types) == 1 and all(self._option_finder.knows_type(option) for option in self._node.direct)

    def _return_exactly_the_branches(self, options: Sequence[PathOption]) -> bool:
        """Return whether each of the options can return all object types that become branches, and no others."""
        types = set(self._object_types)
        return all(
            self._option_finder.knows_type(option)
            and self._graph.possible_in(option.subgraph, option.type_name) == types
            for option in options
        )

    def _resolves_for_each_type(self, option: PathOption, name: str) -> bool:
        types = self._graph.possible_in(option.subgraph, option.type_name)
        edges = [self._graph.field(option.subgraph, type_name, name, option.scope) for type_name in sorted(types)]
        return bool(edges) and all(edge is not None and edge.needs_no_inputs for edge in edges)
