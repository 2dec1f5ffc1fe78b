"""Selections on interfaces and unions (planning §3.7).

A field stays on the abstract type where an option resolves it for every object type. Otherwise it is expanded: each
object type is a branch, and finds its own options.

    { media { title ... on Book { pages } } }      ->      { media { title } }, branch Book { pages }
    if `title` is resolved for books and films apart:      branch Book { title pages }, branch Film { title }

The branches are the object types that are possible in *every* subgraph that the object can come from. A type that one
of them does not have must not change the response: its selections are left out, and the object has its `__typename`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from router.federation.type_references import TYPENAME
from router.planner.normalise.selections import grouped, response_key
from router.planner.walk.nodes_and_options import LeafSearch, ObjectNode, PathOption, PathStep, UnplannableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.selections import MergedField, Normaliser, SelectedField
    from router.planner.normalise.skip_and_include import Guards
    from router.planner.walk.field_options import FieldOptionFinder
    from router.planner.walk.key_hops import KeyHops
    from router.planner.walk.nodes_and_options import FieldOption


class Explorer(Protocol):
    """What the expansion needs of the walk."""

    graph: QueryGraph
    normaliser: Normaliser
    hops: KeyHops
    option_finder: FieldOptionFinder

    def explore(self, node: ObjectNode, items: Sequence[SelectedField], search: LeafSearch) -> None: ...
    def descend(
        self, node: ObjectNode, selection: MergedField, field_options: Sequence[FieldOption], search: LeafSearch
    ) -> None: ...


class _KeptField(NamedTuple):
    """A field that stays on the abstract type, with the options that resolve it."""

    selection: MergedField
    field_options: list[FieldOption]


class AbstractSelections:
    """The selections on one node of abstract type."""

    def __init__(self, explorer: Explorer, node: ObjectNode, search: LeafSearch) -> None:
        self._explorer = explorer
        self._graph = explorer.graph
        self._option_finder = explorer.option_finder
        self._node = node
        self._search = search
        self._object_types = self._common_object_types()
        self._earliest = min((option.stage for option in node.direct), default=0)

    def explore(self, items: Sequence[SelectedField]) -> None:
        """Append the leaves of the selections to the search.

        Raises:
            UnplannableError: a selection has no option.
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
                if not field_options or self._is_better_by_type(selection, [option for option, _ in field_options]):
                    expanded += group
                    break
                kept.append(_KeptField(selection, field_options))
        for selection, field_options in kept:
            self._explorer.descend(self._node, selection, field_options, self._search)
        if expanded or any(item.types is not None for item in items):
            self._explore_branches(items, expanded)

    def _simplified(self, items: Sequence[SelectedField]) -> Sequence[SelectedField]:
        """The items, with one for all types in the place of equal ones for each type."""
        if not all(map(self._option_finder.knows_type, self._node.direct)):
            # The response has the fields of some types only, and their order, once the type is known. So nothing moves.
            return _without_repeated(items)
        folded = self._explorer.normaliser.folded(items, self._node.type_name, frozenset(self._object_types))
        # With the items of all types first, each repetition is after the item that it repeats.
        of_all_first = _repeated_in(sorted(folded, key=lambda item: item.types is not None))
        return [item for item in folded if id(item) not in of_all_first] if of_all_first else folded

    def _is_better_by_type(self, selection: MergedField, field_options: Sequence[PathOption]) -> bool:
        """Whether a field that is resolved on the abstract type is expanded nevertheless."""
        if selection.name == TYPENAME or self._node.is_deferred:
            return False
        first = [option for option in field_options if option.stage <= self._earliest]
        if not first and self._is_resolved_first_by_type(selection, first):
            return True
        # Nothing is lost by it: an option that resolves the field for the abstract type stays among the options.
        loses_nothing = self._direct_return_the_same_types() or self._return_no_other_types(field_options)
        return loses_nothing and (
            self._is_resolved_first_by_type(selection, first)
            or self._only_type_is_resolved_elsewhere(selection, field_options, is_first=bool(first))
        )

    def _is_resolved_first_by_type(self, selection: MergedField, first: Sequence[PathOption]) -> bool:
        """Whether a direct option that is not in `first`, and no later, resolves the field for each object type."""
        return any(
            self._resolves_for_each_type(option, selection.name)
            for option in self._node.direct
            if option.stage == self._earliest and option not in first and self._option_finder.knows_type(option)
        )

    def _only_type_is_resolved_elsewhere(
        self, selection: MergedField, field_options: Sequence[PathOption], *, is_first: bool
    ) -> bool:
        """Whether the object has one possible type, and a further subgraph resolves the field for it.

        A leaf that a first option resolves is not worth the search. With more types, the paths to explore would
        multiply at every level.
        """
        if len(self._object_types) > 1 or (
            is_first and not self._explorer.normaliser.is_composite(selection.type_name)
        ):
            return False
        known = {option.subgraph for option in field_options}
        return any(
            entry.subgraph not in known
            and self._graph.field(entry.subgraph, entry.type_name, selection.name) is not None
            for type_name in self._object_types
            for entry in self._graph.entries(type_name)
        )

    def _direct_return_the_same_types(self) -> bool:
        types = {self._graph.possible_in(option.subgraph, option.type_name) for option in self._node.direct}
        return len(types) == 1 and all(self._option_finder.knows_type(option) for option in self._node.direct)

    def _return_no_other_types(self, field_options: Sequence[PathOption]) -> bool:
        """Whether the options return objects of all branches, and of no other type."""
        types = set(self._object_types)
        return all(
            self._option_finder.knows_type(option)
            and self._graph.possible_in(option.subgraph, option.type_name) == types
            for option in field_options
        )

    def _resolves_for_each_type(self, option: PathOption, name: str) -> bool:
        types = self._graph.possible_in(option.subgraph, option.type_name)
        edges = [self._graph.field(option.subgraph, type_name, name, option.scope) for type_name in sorted(types)]
        return bool(edges) and all(edge is not None and edge.needs_no_inputs for edge in edges)

    def _check_expansion(self, selection: MergedField) -> None:
        """Check that one subgraph can give a field of the abstract type for all its object types.

        If two subgraphs return the object and each resolves the field for other types, neither is enough: the field is
        missing on some object that it returns. An interface without object types has no branches.

        Raises:
            UnplannableError: no subgraph can.
        """
        if not self._graph.possible(self._node.type_name):
            raise UnplannableError(self._node, selection)
        options = [option for option in self._node.direct if self._option_finder.knows_type(option)]
        if len(options) > 1 and not any(self._is_enough(option, selection) for option in options):
            raise UnplannableError(self._node, selection)

    def _is_enough(self, option: PathOption, selection: MergedField) -> bool:
        types = self._graph.possible_in(option.subgraph, option.type_name)
        return all(
            self._option_finder.options_for(_under_type(option.node, type_name, [option]), selection, is_internal=True)
            for type_name in sorted(types)
        )

    def _explore_branches(self, items: Sequence[SelectedField], expanded: Sequence[SelectedField]) -> None:
        chosen: dict[str, list[SelectedField]] = {}
        for type_name in self._object_types:
            mine = [item for item in items if (item in expanded if item.types is None else type_name in item.types)]
            if mine:
                chosen[type_name] = mine
        split = frozenset[str]() if self._search.is_internal else self._explorer.normaliser.split_keys(chosen)
        for type_name, mine in chosen.items():
            branch = self._branch(type_name)
            branch.split_keys = split
            self._explorer.explore(branch, mine, self._search)

    def _common_object_types(self) -> list[str]:
        """The types of the object in every subgraph it can come from; an interface object does not restrict them."""
        types = self._graph.possible(self._node.type_name)
        for option in self._node.direct:
            if self._option_finder.knows_type(option):
                types &= self._graph.possible_in(option.subgraph, option.type_name)
        return sorted(types)

    def _branch(self, type_name: str) -> ObjectNode:
        memory = self._node.memory
        known = memory.branches.get(type_name)
        if known is not None:
            return known
        options = [option for option in self._node.direct if self._option_finder.knows_type(option)]
        is_incomplete = memory.is_searching_hops
        if not options:
            options = [hop for hop in self._explorer.hops.at(self._node) if self._option_finder.knows_type(hop)]
        branch = _under_type(self._node, type_name, options)
        if not is_incomplete:
            memory.branches[type_name] = branch
        return branch


def _without_repeated(items: Sequence[SelectedField]) -> Sequence[SelectedField]:
    """The items without leaves of some types that repeat an earlier one of all types."""
    repeated = _repeated_in(items)
    return [item for item in items if id(item) not in repeated] if repeated else items


def _repeated_in(items: Iterable[SelectedField]) -> set[int]:
    """The leaves of some types that come after the same leaf of all types, by identity."""
    of_all: dict[str, list[Guards]] = {}
    repeated: set[int] = set()
    for item in items:
        if item.node.selection_set is not None:
            continue
        known = of_all.setdefault(response_key(item.node), [])
        if item.types is None:
            known.append(item.guards)
        elif any(guards <= item.guards for guards in known):
            repeated.add(id(item))
    return repeated


def _under_type(node: ObjectNode, type_name: str, options: Sequence[PathOption]) -> ObjectNode:
    """The object of a node under a type condition, with the given options."""
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
