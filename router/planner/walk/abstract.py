"""Selections on interfaces and unions.

A field stays on the abstract type where an option resolves it for every type it stands for; else it is expanded to the
concrete types, each of which finds its own way. Which concrete types: those possible in *every* subgraph the object
could have been fetched from. A type one of them does not know is a type the response must not depend on; its selection
is dropped and the object keeps its `__typename`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from router.federation.type_names import TYPENAME
from router.planner.normalise.selections import grouped, response_key
from router.planner.walk.nodes import LeafSearch, ObjectNode, PathOption, PathStep, UnplannableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.planner.graph.query_graph import FieldEdge, QueryGraph
    from router.planner.normalise.guards import Guards
    from router.planner.normalise.selections import MergedField, Normaliser, SelectedField
    from router.planner.walk.hops import Hops


class Explorer(Protocol):
    """What the expansion needs of the walk."""

    graph: QueryGraph
    normaliser: Normaliser
    hops: Hops

    def explore(self, node: ObjectNode, items: Sequence[SelectedField], search: LeafSearch) -> None: ...
    def producers(
        self, node: ObjectNode, selection: MergedField, search: LeafSearch
    ) -> list[tuple[PathOption, FieldEdge | None]]: ...
    def descend(
        self,
        node: ObjectNode,
        selection: MergedField,
        producers: Sequence[tuple[PathOption, FieldEdge | None]],
        search: LeafSearch,
    ) -> None: ...
    def knows_type(self, option: PathOption) -> bool: ...


def explore_abstract(explorer: Explorer, node: ObjectNode, items: Sequence[SelectedField], search: LeafSearch) -> None:
    """Append the leaves of what is selected on an object of abstract type.

    Raises:
        UnplannableError: a selection has no option at all.
    """
    if all(map(explorer.knows_type, node.bases)):
        items = explorer.normaliser.folded(items, node.type_name, frozenset(_runtime_types(explorer, node)))
        items = _without_repeated(items)
    else:
        # Whether and in which order the response has what only some types select, no one could tell without the type.
        items = _without_repeated(items, behind=True)
    kept: list[tuple[MergedField, list[tuple[PathOption, FieldEdge | None]]]] = []
    expanded: list[SelectedField] = []
    for group in grouped(item for item in items if item.types is None):
        for selection in explorer.normaliser.merged(group, node.type_name):
            producers = explorer.producers(node, selection, search)
            if not producers:
                _check_expansion(explorer, node, selection)
            if not producers or _is_better_by_type(explorer, node, selection, [option for option, _ in producers]):
                expanded += group
                break
            kept.append((selection, producers))
    for selection, producers in kept:
        explorer.descend(node, selection, producers, search)
    _explore_branches(explorer, node, (items, expanded), search)


def _without_repeated(items: Sequence[SelectedField], *, behind: bool = False) -> Sequence[SelectedField]:
    """The items without leaves of some types that are asked of all types anyway; if so wanted, only those behind."""
    leaves = [item for item in items if item.node.selection_set is None]
    of_all: dict[str, list[Guards]] = {}
    repeated: set[int] = set()
    # Sorted, those of all types come first: then all that repeat one are behind it.
    for item in leaves if behind else sorted(leaves, key=lambda item: item.types is not None):
        asked = of_all.setdefault(response_key(item.node), [])
        if item.types is None:
            asked.append(item.guards)
        elif any(guards <= item.guards for guards in asked):
            repeated.add(id(item))
    return [item for item in items if id(item) not in repeated] if repeated else items


def _is_better_by_type(
    explorer: Explorer, node: ObjectNode, selection: MergedField, producers: Sequence[PathOption]
) -> bool:
    """Whether a field that the abstract type has is to be looked for on each concrete type all the same."""
    if selection.name == TYPENAME or node.is_deferred:
        return False
    earliest = min((base.stage for base in node.bases), default=0)
    given = [option for option in producers if option.stage <= earliest]
    if not given and _is_on_the_spot(explorer, node, selection, given):
        return True
    # Nothing is lost by it: what has the field for the abstract type stays among the options.
    loses_nothing = _give_the_same_types(explorer, node.bases) or _give_no_other_types(
        explorer, producers, _runtime_types(explorer, node)
    )
    return loses_nothing and (
        _is_on_the_spot(explorer, node, selection, given)
        or _is_elsewhere_for_the_only_type(explorer, node, selection, (producers, bool(given)))
    )


def _is_on_the_spot(explorer: Explorer, node: ObjectNode, selection: MergedField, given: Sequence[PathOption]) -> bool:
    """Whether a base that is not given has the field for each concrete type, and no other answers earlier."""
    earliest = min((base.stage for base in node.bases), default=0)
    return any(
        _has_on_each_type(explorer.graph, base, selection.name)
        for base in node.bases
        if base.stage == earliest and base not in given and explorer.knows_type(base)
    )


def _is_elsewhere_for_the_only_type(
    explorer: Explorer, node: ObjectNode, selection: MergedField, found: tuple[Sequence[PathOption], bool]
) -> bool:
    """Whether the object can be of one type only, and a subgraph that has a field of it is none so far.

    A leaf that is found on the spot is not worth the search. With more types, what to explore would multiply by level.
    """
    types = _runtime_types(explorer, node)
    producers, is_given = found
    if len(types) > 1 or (is_given and not explorer.normaliser.is_composite(selection.type_name)):
        return False
    known = {option.subgraph for option in producers}
    return any(
        entry.subgraph not in known
        and explorer.graph.field(entry.subgraph, entry.type_name, selection.name) is not None
        for type_name in types
        for entry in explorer.graph.entries(type_name)
    )


def _give_the_same_types(explorer: Explorer, bases: Sequence[PathOption]) -> bool:
    types = {explorer.graph.possible_in(base.subgraph, base.type_name) for base in bases}
    return len(types) == 1 and all(explorer.knows_type(base) for base in bases)


def _give_no_other_types(explorer: Explorer, producers: Sequence[PathOption], types: Sequence[str]) -> bool:
    """Whether the objects the field is had for now are all of the types it would be expanded to."""
    return all(
        explorer.knows_type(option) and explorer.graph.possible_in(option.subgraph, option.type_name) == set(types)
        for option in producers
    )


def _has_on_each_type(graph: QueryGraph, base: PathOption, name: str) -> bool:
    types = graph.possible_in(base.subgraph, base.type_name)
    edges = [graph.field(base.subgraph, type_name, name, base.scope) for type_name in sorted(types)]
    return bool(edges) and all(edge is not None and edge.is_free for edge in edges)


def _check_expansion(explorer: Explorer, node: ObjectNode, selection: MergedField) -> None:
    """Refuse a field of the abstract type that no single base can give for all its types.

    Two subgraphs that both return the object, each resolving the field for other types, do not make up for each other:
    whichever is asked, the field is missing on some object it may return. And an interface without any object type has
    nothing to expand to.
    """
    if not explorer.graph.possible(node.type_name):
        raise UnplannableError(node, selection)
    bases = [option for option in node.bases if explorer.knows_type(option)]
    if len(bases) > 1 and not any(_gives_all(explorer, base, selection) for base in bases):
        raise UnplannableError(node, selection)


def _gives_all(explorer: Explorer, base: PathOption, selection: MergedField) -> bool:
    types = explorer.graph.possible_in(base.subgraph, base.type_name)
    return all(
        explorer.producers(_under_type(base.node, type_name, [base]), selection, LeafSearch(is_internal=True))
        for type_name in sorted(types)
    )


def _explore_branches(
    explorer: Explorer,
    node: ObjectNode,
    selected: tuple[Sequence[SelectedField], Sequence[SelectedField]],
    search: LeafSearch,
) -> None:
    items, expanded = selected
    if len(expanded) == 0 and all(item.types is None for item in items):
        return
    chosen: dict[str, list[SelectedField]] = {}
    for type_name in _runtime_types(explorer, node):
        mine = [item for item in items if (item in expanded if item.types is None else type_name in item.types)]
        if mine:
            chosen[type_name] = mine
    split = frozenset() if search.is_internal else explorer.normaliser.split_keys(chosen)
    for type_name, mine in chosen.items():
        branch = _branch(explorer, node, type_name)
        branch.split_keys = split
        explorer.explore(branch, mine, search)


def _runtime_types(explorer: Explorer, node: ObjectNode) -> list[str]:
    """The types the object can have whichever base is chosen; an interface object says nothing about them."""
    types = explorer.graph.possible(node.type_name)
    for option in node.bases:
        if explorer.knows_type(option):
            types &= explorer.graph.possible_in(option.subgraph, option.type_name)
    return sorted(types)


def _branch(explorer: Explorer, node: ObjectNode, type_name: str) -> ObjectNode:
    known = node.branches.get(type_name)
    if known is not None:
        return known
    bases = [option for option in node.bases if explorer.knows_type(option)]
    closing = node.closing
    if not bases:
        bases = [option for option in explorer.hops.at(node) if explorer.knows_type(option)]
    branch = _under_type(node, type_name, bases)
    if not closing:
        node.branches[type_name] = branch
    return branch


def _under_type(node: ObjectNode, type_name: str, options: Sequence[PathOption]) -> ObjectNode:
    """The object of a node under a type condition, standing where the given options stand."""
    branch = ObjectNode(
        type_name,
        path=node.path,
        keys=node.keys,
        track=node.track,
        parent=node,
        guards=node.guards,
        block=node.block,
        is_deferred=node.is_deferred,
        helper_depth=node.helper_depth,
    )
    branch.bases = [
        PathOption(
            PathStep.CAST,
            branch,
            option.subgraph,
            type_name,
            option.stage,
            option.needs,
            scope=option.scope,
            parent=option,
        )
        for option in options
    ]
    return branch
