"""Find the leaves of selections on interfaces and unions (planning §3.7).

If one option resolves a field for every object type, the field usually stays on the abstract type. Otherwise the field
is *expanded*: it is selected on each object type. A field is also expanded if one of its subselections cannot be
fetched on the abstract type (see `expansion_by_type`). Each object type with selections gets its own node for the
object. This node is a *branch*, with its own options.

    { media { title ... on Book { pages } } }

    a resolves `Media.title`:                              { media { title } }, branch Book { pages }
    a resolves `Book.title`, b resolves `Film.title`:      branch Book { title pages }, branch Film { title }

An object type becomes a branch only if *every* subgraph with a direct option can return this type. Selections on other
types are dropped, so that the response does not depend on the chosen subgraph. An object of another type gets only its
`__typename`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from router.plan.client_and_internal_response_keys import internal_key
from router.planner.normalise.merge_selections import grouped
from router.planner.walk.expansion_by_type import ExpansionByType
from router.planner.walk.nodes_and_options import LeafSearch, ObjectNode, PathOption, PathStep, UnplannableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.merge_selections import MergedField, Normaliser, SelectedField
    from router.planner.normalise.skip_and_include_guards import Guards
    from router.planner.walk.field_options import FieldOptionFinder
    from router.planner.walk.key_hops import KeyHops
    from router.planner.walk.nodes_and_options import FieldOption


class WalkParts(Protocol):
    """The attributes and methods of `router.planner.walk.walk_selections.Explorer` that this module uses."""

    graph: QueryGraph
    normaliser: Normaliser
    hops: KeyHops
    option_finder: FieldOptionFinder

    def explore(self, node: ObjectNode, items: Sequence[SelectedField], search: LeafSearch) -> None: ...
    def descend(
        self, node: ObjectNode, selection: MergedField, field_options: Sequence[FieldOption], search: LeafSearch
    ) -> None: ...


class _KeptField(msgspec.Struct, frozen=True):
    """A field that stays on the abstract type.

    Attributes:
        items: The fields as the client selects them. They all have the same response key.
        selection: The one field into which `items` are merged.
        field_options: The options that resolve the field on the abstract type.
    """

    items: Sequence[SelectedField]
    selection: MergedField
    field_options: list[FieldOption]


class AbstractSelections:
    """Finds the leaves of the selections on one node whose type is an interface or a union."""

    def __init__(self, explorer: WalkParts, node: ObjectNode, search: LeafSearch) -> None:
        self._explorer = explorer
        self._graph = explorer.graph
        self._option_finder = explorer.option_finder
        self._node = node
        self._search = search
        self._object_types = self._common_object_types()
        self._expansion = ExpansionByType(explorer, node, self._object_types, search)

    def explore(self, items: Sequence[SelectedField]) -> None:
        """Append the leaves of the selected fields to `search.leaves`.

        Raises:
            UnplannableError: No option resolves one of the fields.
        """
        items = self._simplified(items)
        kept: list[_KeptField] = []
        expanded: list[SelectedField] = []
        for group in grouped(item for item in items if item.types is None):
            for selection in self._explorer.normaliser.merged(group, self._node.type_name):
                field_options = self._option_finder.options_for(
                    self._node, selection, is_internal=self._search.is_internal
                )
                if not field_options:
                    self._check_expansion(selection)
                options = [option for option, _ in field_options]
                if not field_options or self._expansion.is_preferred(selection, options):
                    expanded += group
                    break
                kept.append(_KeptField(group, selection, field_options))
        for field in kept:
            if not self._descend(field):
                expanded += field.items
        if expanded or any(item.types is not None for item in items):
            self._explore_branches(items, expanded)

    def _descend(self, field: _KeptField) -> bool:
        """Append the leaves of a field that stays on the abstract type, and return True.

        If a leaf cannot be fetched, but expanding the field may help, append nothing and return False.

        Raises:
            UnplannableError: One of the leaves cannot be fetched, and expanding the field does not help.
        """
        count = len(self._search.leaves)
        options = [option for option, _ in field.field_options]
        try:
            self._explorer.descend(self._node, field.selection, field.field_options, self._search)
        except UnplannableError:
            if not self._expansion.has_other_options(field.selection, options):
                raise
            del self._search.leaves[count:]
            return False
        self._expansion.note(field.selection, options, self._search.leaves[count:])
        return True

    def _simplified(self, items: Sequence[SelectedField]) -> Sequence[SelectedField]:
        """Return the fields without repetitions.

        If equal fields are selected on every object type, one field on the abstract type replaces these fields.
        """
        if not all(map(self._option_finder.knows_type, self._node.direct)):
            # If a subgraph returns the object as an interface object, this subgraph does not know the concrete type.
            # But the concrete type decides which fields the response has, and in which order. So fields under a type
            # condition stay under this condition.
            return _without_repeated(items)
        folded = self._explorer.normaliser.folded(items, self._node.type_name, frozenset(self._object_types))
        # A leaf without a type condition makes later equal leaves superfluous. So the fields without a type condition
        # are moved to the front.
        of_all_first = _repeated_in(sorted(folded, key=lambda item: item.types is not None))
        return [item for item in folded if id(item) not in of_all_first] if of_all_first else folded

    def _check_expansion(self, selection: MergedField) -> None:
        """Raise an error if there are several direct options, but none of them suffices to expand the field.

        A direct option suffices if the field can be resolved on every object type that the option's subgraph returns.
        Example: subgraphs a and b both return books and films. Subgraph a resolves the field only on books, and b only
        on films. Neither option suffices. If there is only one direct option, it is not checked.

        Raises:
            UnplannableError: None of several direct options suffices, or the abstract type has no object types.
        """
        if not self._graph.possible(self._node.type_name):
            raise UnplannableError(self._node, selection)
        options = [option for option in self._node.direct if self._option_finder.knows_type(option)]
        if len(options) > 1 and not any(self._suffices(option, selection) for option in options):
            raise UnplannableError(self._node, selection)

    def _suffices(self, option: PathOption, selection: MergedField) -> bool:
        types = self._graph.possible_in(option.subgraph, option.type_name)
        return all(
            self._option_finder.options_for(_under_type(option.node, type_name, [option]), selection, is_internal=True)
            for type_name in sorted(types)
        )

    def _explore_branches(self, items: Sequence[SelectedField], expanded: Sequence[SelectedField]) -> None:
        chosen: dict[str, list[SelectedField]] = {}
        for type_name in self._object_types:
            selected = [item for item in items if (item in expanded if item.types is None else type_name in item.types)]
            if selected:
                chosen[type_name] = selected
        split = frozenset[str]() if self._search.is_internal else self._explorer.normaliser.split_keys(chosen)
        for type_name, selected in chosen.items():
            branch = self._branch(type_name)
            branch.split_keys = split
            self._explorer.explore(branch, selected, self._search)

    def _common_object_types(self) -> list[str]:
        """Return the object types that every direct option can return.

        Options for interface objects are ignored, because their subgraphs do not return the concrete type.
        """
        types = self._graph.possible(self._node.type_name)
        for option in self._node.direct:
            if self._option_finder.knows_type(option):
                types &= self._graph.possible_in(option.subgraph, option.type_name)
        return sorted(types)

    def _branch(self, type_name: str) -> ObjectNode:
        memory = self._node.memory
        cached = memory.branches.get(type_name)
        if cached is not None:
            return cached
        options = [option for option in self._node.direct if self._option_finder.knows_type(option)]
        is_incomplete = memory.is_searching_hops
        if not options:
            options = [hop for hop in self._explorer.hops.at(self._node) if self._option_finder.knows_type(hop)]
        branch = _under_type(self._node, type_name, options)
        if not is_incomplete:
            memory.branches[type_name] = branch
        return branch


def _without_repeated(items: Sequence[SelectedField]) -> Sequence[SelectedField]:
    """Drop the superfluous leaves that `_repeated_in` finds."""
    repeated = _repeated_in(items)
    return [item for item in items if id(item) not in repeated] if repeated else items


def _repeated_in(items: Iterable[SelectedField]) -> set[int]:
    """Find the superfluous leaves under a type condition, and return their `id()`s.

    A leaf is superfluous if an earlier leaf has the same response key, no type condition, and the same or weaker
    guards. Example: the second `id` in `{ id ... on Book { id } }`.
    """
    of_all: dict[str, list[Guards]] = {}
    repeated: set[int] = set()
    for item in items:
        if item.node.selection_set is not None or item.directives.text:
            continue
        guards_of_all = of_all.setdefault(internal_key(item.node), [])
        if item.types is None:
            guards_of_all.append(item.guards)
        elif any(guards <= item.guards for guards in guards_of_all):
            repeated.add(id(item))
    return repeated


def _under_type(node: ObjectNode, type_name: str, options: Sequence[PathOption]) -> ObjectNode:
    """Return a branch: a node for the object of `node` under a type condition. Its options continue `options`."""
    branch = ObjectNode(
        type_name,
        path=node.path,
        keys=node.keys,
        track=node.track,
        parent=node,
        guards=node.guards,
        block=node.block,
        is_deferred=node.is_deferred,
        internal_depth=node.internal_depth,
    )
    branch.direct = [
        PathOption(
            PathStep.DOWNCAST,
            branch,
            option.subgraph,
            type_name,
            option.stage,
            option.needed_fetches,
            scope=option.scope,
            parent=option,
        )
        for option in options
    ]
    return branch
