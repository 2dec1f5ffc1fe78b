"""The walk: from selections to leaves, each with all places it can be fetched at.

Level by level: every place of an object that resolves a composite field gives a place on the object below. A leaf that
only another subgraph has thereby finds its way back up to the nearest ancestor from which that subgraph can be entered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphql import FieldNode, NameNode

from router.plan import Each, Key, TypeIs
from router.planner.normalise.guards import ALWAYS
from router.planner.normalise.selections import TYPENAME, Below, Item, Selection, response_key, signature
from router.planner.walk.abstract import explore_abstract
from router.planner.walk.deferral import apart, deferred_object, enter
from router.planner.walk.hops import Hops
from router.planner.walk.nodes import Leaf, Place, Position, Search, Step, UnplannableError, undominated

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

    items: list[Item]
    selections: list[Selection]


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

    def root(self, type_name: str, subgraphs: Sequence[str]) -> Position:
        """The root of an operation, with a place in each of the subgraphs that has the root type."""
        position = Position(type_name)
        enter(position, [name for name in subgraphs if self.graph.type_in(name, type_name) is not None])
        return position

    def explore(self, position: Position, items: Sequence[Item], search: Search) -> None:
        """Append the leaves of what is selected on the position.

        Raises:
            UnplannableError: a selection has no place at all.
        """
        if search.hidden or self._blocks is None:
            self._explore_at_once(position, items, search)
            return
        at_once, later = apart(items)
        self._explore_at_once(position, at_once, search)
        for fragment, deferred in later.items():
            block = self._blocks.at(position.keys, fragment, position.block)
            self.explore(deferred_object(position, block), deferred, search)

    def _explore_at_once(self, position: Position, items: Sequence[Item], search: Search) -> None:
        if search.hidden:
            items = [self._keyed(position, item) for item in items]
        if not self.graph.is_abstract(position.type_name):
            self._explore_fields(position, self.normaliser.merged(items, position.type_name), search)
            return
        count = len(search.leaves)
        explore_abstract(self, position, items, search)
        self._ensure_presence(position, search, count)

    def _explore_fields(self, position: Position, selections: Iterable[Selection], search: Search) -> None:
        count = len(search.leaves)
        for selection in selections:
            self.descend(position, selection, self.producers(position, selection, search), search)
        self._ensure_presence(position, search, count)

    def _ensure_presence(self, position: Position, search: Search, count: int) -> None:
        """Have the object in the response even if none of its leaves, those after the first `count`, puts it there."""
        if not self._is_present(position, search.leaves[count:]):
            search.leaves.append(self.presence(position))

    @staticmethod
    def _is_present(position: Position, leaves: Sequence[Leaf]) -> bool:
        """Whether one of its leaves puts the object into the response whenever it has to be there."""
        if position.parent is None or position.is_deferred:
            return True
        if position.selection is None:
            return bool(leaves)
        return any(leaf.selection.guards <= position.guards for leaf in leaves)

    def _keyed(self, position: Position, item: Item) -> Item:
        """The item under a response key that the client does not use for something else."""
        name = item.node.name.value
        if name == TYPENAME:
            return item
        key = self._keys.key_for(position.keys, name, signature(item.node))
        if key == response_key(item.node):
            return item
        return replace(item, node=replace(item.node, alias=NameNode(value=key)))

    def presence(self, position: Position) -> Leaf:
        """What to select when nothing else is, so that the object appears in the response."""
        item = Item(_TYPENAME_NODE, position.type_name, None, position.guards)
        selection = self.normaliser.merged([item], position.type_name)[0]
        return Leaf(position, selection, tuple(position.bases), hidden=True)

    def descend(
        self,
        position: Position,
        selection: Selection,
        producers: Sequence[tuple[Place, FieldEdge | None]],
        search: Search,
    ) -> None:
        """Append the leaves of a selection that the given places resolve.

        Raises:
            UnplannableError: there are no such places, or something below has none.
        """
        if not producers:
            raise UnplannableError(position, selection)
        if selection.is_leaf:
            options = undominated([place for place, _ in producers])
            search.leaves.append(Leaf(position, selection, options, hidden=search.hidden))
            return
        child = self._child_of(position, selection, producers, search)
        self.explore(child, self.normaliser.items(selection.below, selection.type_name), search)

    def _child_of(
        self,
        position: Position,
        selection: Selection,
        producers: Sequence[tuple[Place, FieldEdge | None]],
        search: Search,
    ) -> Position:
        """The object below; one for all keys and requirements that reach it from the same places."""
        reached = (selection.key, *(place for place, _ in producers))
        child = position.helpers.get(reached) if search.hidden else None
        if child is None:
            child = self._child(position, selection, search)
            child.bases += [_step(child, place, edge) for place, edge in producers if edge is not None]
            if search.hidden:
                position.helpers[reached] = child
        return child

    @staticmethod
    def _child(position: Position, selection: Selection, search: Search) -> Position:
        is_split = selection.key in position.split_keys
        condition = (TypeIs((position.type_name,)),) if is_split else ()
        lists = (Each() for _ in range(selection.list_depth))
        return Position(
            selection.type_name,
            path=(*position.path, *condition, Key(selection.key), *lists),
            keys=(*position.keys, selection.key),
            track=(*position.track, f"{position.type_name}.{selection.key}" if is_split else selection.key),
            parent=position,
            selection=selection,
            guards=selection.guards,
            block=position.block,
            helper_depth=position.helper_depth + 1 if search.hidden else 0,
        )

    def producers(
        self, position: Position, selection: Selection, search: Search
    ) -> list[tuple[Place, FieldEdge | None]]:
        """Every place of the position the selection can be fetched at; only `__typename` has no edge."""
        if selection.name == TYPENAME:
            return [(place, None) for place in self.typename_places(position)]
        found: list[tuple[Place, FieldEdge | None]] = []
        for place in position.bases:
            edge = self.graph.field(place.subgraph, place.type_name, selection.name, place.scope)
            if edge is not None and edge.is_free:
                found.append((place, edge))
        if position.is_deferred and not search.hidden:
            standing = {place.subgraph for place, _ in found}
            behind = self._behind_keys(position, selection)
            # Of several that cost the same the one that would have been asked without deferring.
            return sorted(behind, key=lambda option: option[0].subgraph not in standing) or found
        if self._bases_suffice(position, selection, found, search):
            return found
        return found + self._behind_keys(position, selection)

    def _behind_keys(self, position: Position, selection: Selection) -> list[tuple[Place, FieldEdge | None]]:
        found: list[tuple[Place, FieldEdge | None]] = []
        for place in self.hops.at(position):
            edge = self.graph.field(place.subgraph, place.type_name, selection.name)
            if edge is not None and edge.is_free:
                found.append((place, edge))
        return found + self._requiring(position, selection)

    def _bases_suffice(
        self,
        position: Position,
        selection: Selection,
        found: Sequence[tuple[Place, FieldEdge | None]],
        search: Search,
    ) -> bool:
        """Whether looking behind keys cannot give a place that is better than those found among the bases.

        A hop may spare a fetch that is made for one of several bases alone, or for something deeper, if the hop is made
        anyway. What a key or a requirement is made of has that only where the hops are there to be looked at: they are
        not looked for on its account, lest finding one hop be a search for others.
        """
        is_only_base = len(position.bases) == 1
        if not found or (is_only_base and selection.is_leaf):
            return bool(found)
        if not search.hidden or (position.hops is not None and not position.closing):
            return False
        earliest = min(base.stage for base in position.bases)
        return is_only_base or any(place.stage == earliest for place, _ in found)

    def _requiring(self, position: Position, selection: Selection) -> list[tuple[Place, FieldEdge | None]]:
        found: list[tuple[Place, FieldEdge | None]] = []
        for entry, edge in self.graph.requiring(position.type_name, selection.name):
            place = self.hops.requiring(position, entry, edge, selection.name)
            if place is not None:
                found.append((place, edge))
        return found

    def typename_places(self, position: Position) -> Sequence[Place]:
        """Places that know the concrete type: an interface object does not."""
        bases = [place for place in position.bases if self.knows_type(place)]
        return bases or [place for place in self.hops.at(position) if self.knows_type(place)]

    def knows_type(self, place: Place) -> bool:
        return not self.graph.is_interface_object(place.subgraph, place.type_name)

    def demand(self, position: Position, selection_set: SelectionSetNode) -> tuple[Leaf, ...] | None:
        """The leaves of a key or requires selection at a position, None if one of them is nowhere to be had."""
        key = id(selection_set)
        if key in position.demands:
            return position.demands[key]
        before = self.hops.cut_short
        search = Search(hidden=True)
        leaves: tuple[Leaf, ...] | None
        try:
            self._explore_wanted(position, self._wanted_of(selection_set, position.type_name), search)
            leaves = tuple(search.leaves)
        except UnplannableError:
            leaves = None
        if self.hops.cut_short == before:
            position.demands[key] = leaves
        return leaves

    def _wanted_of(self, selection_set: SelectionSetNode, type_name: str) -> _Wanted:
        key = (id(selection_set), type_name)
        known = self._wanted.get(key)
        if known is None:
            items = self.normaliser.items([Below(selection_set, ALWAYS, type_name)], type_name)
            known = self._wanted[key] = _Wanted(items, self.normaliser.merged(items, type_name))
        return known

    def _explore_wanted(self, position: Position, wanted: _Wanted, search: Search) -> None:
        keyed = [self._keyed(position, item) for item in wanted.items]
        is_as_written = all(item is written for item, written in zip(keyed, wanted.items, strict=True))
        if is_as_written and not self.graph.is_abstract(position.type_name):
            self._explore_fields(position, wanted.selections, search)
        else:
            self._explore_at_once(position, keyed, search)


def _step(child: Position, place: Place, edge: FieldEdge) -> Place:
    return Place(
        Step.FIELD,
        child,
        place.subgraph,
        edge.target,
        place.stage,
        place.needs,
        scope=edge.scope,
        parent=place,
        edge=edge,
    )
