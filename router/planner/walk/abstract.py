"""Selections on interfaces and unions.

A field stays on the abstract type where a place resolves it for every type it stands for; else it is expanded to the
concrete types, each of which finds its own way. Which concrete types: those possible in *every* subgraph the object
could have been fetched from. A type one of them does not know is a type the response must not depend on; its selection
is dropped and the object keeps its `__typename`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from router.planner.normalise.selections import TYPENAME, grouped, response_key
from router.planner.walk.nodes import Place, Position, Search, Step, UnplannableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.planner.graph.query_graph import FieldEdge, QueryGraph
    from router.planner.normalise.guards import Guards
    from router.planner.normalise.selections import Item, Normaliser, Selection
    from router.planner.walk.hops import Hops


class Explorer(Protocol):
    """What the expansion needs of the walk."""

    graph: QueryGraph
    normaliser: Normaliser
    hops: Hops

    def explore(self, position: Position, items: Sequence[Item], search: Search) -> None: ...
    def producers(
        self, position: Position, selection: Selection, search: Search
    ) -> list[tuple[Place, FieldEdge | None]]: ...
    def descend(
        self,
        position: Position,
        selection: Selection,
        producers: Sequence[tuple[Place, FieldEdge | None]],
        search: Search,
    ) -> None: ...
    def knows_type(self, place: Place) -> bool: ...


def explore_abstract(explorer: Explorer, position: Position, items: Sequence[Item], search: Search) -> None:
    """Append the leaves of what is selected on an object of abstract type.

    Raises:
        UnplannableError: a selection has no place at all.
    """
    if all(map(explorer.knows_type, position.bases)):
        items = explorer.normaliser.folded(items, position.type_name, frozenset(_runtime_types(explorer, position)))
        items = _without_repeated(items)
    else:
        # Whether and in which order the response has what only some types select, no one could tell without the type.
        items = _without_repeated(items, behind=True)
    kept: list[tuple[Selection, list[tuple[Place, FieldEdge | None]]]] = []
    expanded: list[Item] = []
    for group in grouped(item for item in items if item.types is None):
        for selection in explorer.normaliser.merged(group, position.type_name):
            producers = explorer.producers(position, selection, search)
            if not producers:
                _check_expansion(explorer, position, selection)
            if not producers or _is_better_by_type(explorer, position, selection, [place for place, _ in producers]):
                expanded += group
                break
            kept.append((selection, producers))
    for selection, producers in kept:
        explorer.descend(position, selection, producers, search)
    _explore_branches(explorer, position, (items, expanded), search)


def _without_repeated(items: Sequence[Item], *, behind: bool = False) -> Sequence[Item]:
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
    explorer: Explorer, position: Position, selection: Selection, producers: Sequence[Place]
) -> bool:
    """Whether a field that the abstract type has is to be looked for on each concrete type all the same."""
    if selection.name == TYPENAME or position.is_deferred:
        return False
    earliest = min((base.stage for base in position.bases), default=0)
    given = [place for place in producers if place.stage <= earliest]
    if not given and _is_on_the_spot(explorer, position, selection, given):
        return True
    # Nothing is lost by it: what has the field for the abstract type stays among the options.
    loses_nothing = _give_the_same_types(explorer, position.bases) or _give_no_other_types(
        explorer, producers, _runtime_types(explorer, position)
    )
    return loses_nothing and (
        _is_on_the_spot(explorer, position, selection, given)
        or _is_elsewhere_for_the_only_type(explorer, position, selection, (producers, bool(given)))
    )


def _is_on_the_spot(explorer: Explorer, position: Position, selection: Selection, given: Sequence[Place]) -> bool:
    """Whether a base that is not given has the field for each concrete type, and no other answers earlier."""
    earliest = min((base.stage for base in position.bases), default=0)
    return any(
        _has_on_each_type(explorer.graph, base, selection.name)
        for base in position.bases
        if base.stage == earliest and base not in given and explorer.knows_type(base)
    )


def _is_elsewhere_for_the_only_type(
    explorer: Explorer, position: Position, selection: Selection, found: tuple[Sequence[Place], bool]
) -> bool:
    """Whether the object can be of one type only, and a subgraph that has a field of it is none so far.

    A leaf that is found on the spot is not worth the search. With more types the ways to explore would be multiplied at
    every level.
    """
    types = _runtime_types(explorer, position)
    producers, is_given = found
    if len(types) > 1 or (is_given and not explorer.normaliser.is_composite(selection.type_name)):
        return False
    known = {place.subgraph for place in producers}
    return any(
        entry.subgraph not in known
        and explorer.graph.field(entry.subgraph, entry.type_name, selection.name) is not None
        for type_name in types
        for entry in explorer.graph.entries(type_name)
    )


def _give_the_same_types(explorer: Explorer, bases: Sequence[Place]) -> bool:
    types = {explorer.graph.possible_in(base.subgraph, base.type_name) for base in bases}
    return len(types) == 1 and all(explorer.knows_type(base) for base in bases)


def _give_no_other_types(explorer: Explorer, producers: Sequence[Place], types: Sequence[str]) -> bool:
    """Whether the objects the field is had for now are all of the types it would be expanded to."""
    return all(
        explorer.knows_type(place) and explorer.graph.possible_in(place.subgraph, place.type_name) == set(types)
        for place in producers
    )


def _has_on_each_type(graph: QueryGraph, base: Place, name: str) -> bool:
    types = graph.possible_in(base.subgraph, base.type_name)
    edges = [graph.field(base.subgraph, type_name, name, base.scope) for type_name in sorted(types)]
    return bool(edges) and all(edge is not None and edge.is_free for edge in edges)


def _check_expansion(explorer: Explorer, position: Position, selection: Selection) -> None:
    """Refuse a field of the abstract type that no single base can give for all its types.

    Two subgraphs that both return the object, each resolving the field for other types, do not make up for each other:
    whichever is asked, the field is missing on some object it may return. And an interface without any object type has
    nothing to expand to.
    """
    if not explorer.graph.possible(position.type_name):
        raise UnplannableError(position, selection)
    bases = [place for place in position.bases if explorer.knows_type(place)]
    if len(bases) > 1 and not any(_gives_all(explorer, base, selection) for base in bases):
        raise UnplannableError(position, selection)


def _gives_all(explorer: Explorer, base: Place, selection: Selection) -> bool:
    types = explorer.graph.possible_in(base.subgraph, base.type_name)
    return all(
        explorer.producers(_under_type(base.position, type_name, [base]), selection, Search(hidden=True))
        for type_name in sorted(types)
    )


def _explore_branches(
    explorer: Explorer, position: Position, selected: tuple[Sequence[Item], Sequence[Item]], search: Search
) -> None:
    items, expanded = selected
    if len(expanded) == 0 and all(item.types is None for item in items):
        return
    chosen: dict[str, list[Item]] = {}
    for type_name in _runtime_types(explorer, position):
        mine = [item for item in items if (item in expanded if item.types is None else type_name in item.types)]
        if mine:
            chosen[type_name] = mine
    split = frozenset() if search.hidden else explorer.normaliser.split_keys(chosen)
    for type_name, mine in chosen.items():
        branch = _branch(explorer, position, type_name)
        branch.split_keys = split
        explorer.explore(branch, mine, search)


def _runtime_types(explorer: Explorer, position: Position) -> list[str]:
    """The types the object can have whichever base is chosen; an interface object says nothing about them."""
    types = explorer.graph.possible(position.type_name)
    for place in position.bases:
        if explorer.knows_type(place):
            types &= explorer.graph.possible_in(place.subgraph, place.type_name)
    return sorted(types)


def _branch(explorer: Explorer, position: Position, type_name: str) -> Position:
    known = position.branches.get(type_name)
    if known is not None:
        return known
    bases = [place for place in position.bases if explorer.knows_type(place)]
    closing = position.closing
    if not bases:
        bases = [place for place in explorer.hops.at(position) if explorer.knows_type(place)]
    branch = _under_type(position, type_name, bases)
    if not closing:
        position.branches[type_name] = branch
    return branch


def _under_type(position: Position, type_name: str, places: Sequence[Place]) -> Position:
    """The object of a position under a type condition, standing where the given places stand."""
    branch = Position(
        type_name,
        path=position.path,
        keys=position.keys,
        track=position.track,
        parent=position,
        guards=position.guards,
        block=position.block,
        is_deferred=position.is_deferred,
        helper_depth=position.helper_depth,
    )
    branch.bases = [
        Place(Step.CAST, branch, place.subgraph, type_name, place.stage, place.needs, scope=place.scope, parent=place)
        for place in places
    ]
    return branch
