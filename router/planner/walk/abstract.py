"""Selections on interfaces and unions.

A field stays on the abstract type where a place resolves it for every type it stands for; else it is expanded to the
concrete types, each of which finds its own way. Which concrete types: those possible in *every* subgraph the object
could have been fetched from. A type one of them does not know is a type the response must not depend on; its selection
is dropped and the object keeps its `__typename`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from router.plan import TypeIs
from router.planner.normalise.selections import grouped
from router.planner.walk.positions import Place, Position, Search, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.planner.graph.query_graph import FieldEdge, QueryGraph
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
    kept: list[tuple[Selection, list[tuple[Place, FieldEdge | None]]]] = []
    expanded: list[Item] = []
    for group in grouped(item for item in items if item.types is None):
        for selection in explorer.normaliser.merged(group, position.type_name):
            producers = explorer.producers(position, selection, search)
            if not producers:
                expanded += group
                break
            kept.append((selection, producers))
    for selection, producers in kept:
        explorer.descend(position, selection, producers, search)
    _explore_branches(explorer, position, (items, expanded), search)


def _explore_branches(
    explorer: Explorer, position: Position, selected: tuple[Sequence[Item], Sequence[Item]], search: Search
) -> None:
    items, expanded = selected
    if len(expanded) == 0 and all(item.types is None for item in items):
        return
    for type_name in _runtime_types(explorer, position):
        chosen = [item for item in items if (item in expanded if item.types is None else type_name in item.types)]
        if chosen:
            explorer.explore(_branch(explorer, position, type_name), chosen, search)


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
    branch = Position(
        type_name,
        path=(*position.path, TypeIs((type_name,))),
        keys=position.keys,
        track=position.track,
        parent=position,
        guards=position.guards,
        helper_depth=position.helper_depth,
    )
    bases = [place for place in position.bases if explorer.knows_type(place)]
    closing = position.closing
    if not bases:
        bases = [place for place in explorer.hops.at(position) if explorer.knows_type(place)]
    branch.bases = [
        Place(
            Step.CAST,
            branch,
            place.subgraph,
            type_name,
            place.stage,
            place.needs,
            scope=place.scope,
            parent=place,
        )
        for place in bases
    ]
    if not closing:
        position.branches[type_name] = branch
    return branch
