"""Find the other positions of the same object that the router can reach, and the field sets that it can fetch there.

A position in another subgraph is reachable if the fields of its key can be fetched. The fields of a key can be fetched
from all positions that are already reachable, so the set of reachable positions grows until no position is added:

    A: Book with id  →  B: Book with key id, and isbn  →  C: Book with key isbn
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode

from router.composition.model import Kind
from router.composition.satisfiability.context_selections import (
    NO_CONTEXT_SELECTIONS,
    Contexts,
    ContextSelection,
    required_context_selections,
)
from router.composition.satisfiability.position_graph import Position
from router.composition.satisfiability.reachability_cache import ReachabilityCache
from router.federation.field_sets import parse_field_set_or_none
from router.federation.type_references import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql.language import SelectionSetNode

    from router.composition.model import Applied, FieldDef
    from router.composition.satisfiability.position_graph import PositionGraph


@dataclass(slots=True)
class Reachability:
    """Finds reachable positions and resolvable fields in one graph, and caches the results."""

    graph: PositionGraph
    contexts: Contexts
    cache: ReachabilityCache = field(default_factory=ReachabilityCache)

    # Fields

    def resolve(self, position: Position, name: str, available: frozenset[ContextSelection]) -> Position | None:
        """Return the position of a field's value, or None if the subgraph cannot resolve the field here.

        Args:
            position: The object that has the field.
            name: The field's name.
            available: The context selections that the field can use.
        """
        member = self.graph.resolvable_field(position, name)
        if member is None or not self._requirements_met(position, member):
            return None
        required = required_context_selections(self.graph.subgraph(position), member)
        if required and not (required <= available and self.graph.has_local_key(position)):
            return None
        return self.graph.value_position(position, member)

    def _requirements_met(self, position: Position, member: FieldDef) -> bool:
        """Return whether the fields of each `@requires` can be fetched, and a key to return to this subgraph exists."""
        applied = member.applied("requires")
        if not applied:
            return True
        known = self.cache.requirements.get((position, member.coordinate))
        if known is not None:
            return known
        before = self.cache.provisional_results
        met = all(self._requirement_met(position, member, requires) for requires in applied)
        is_final = self.cache.is_certain_since(before)
        if is_final or (met and all(self._stays_met(position.type_name, requires) for requires in applied)):
            self.cache.requirements[position, member.coordinate] = met
        return met

    def _requirement_met(self, position: Position, member: FieldDef, requires: Applied) -> bool:
        selections = requires.field_set
        condition = (position.index, member.coordinate)
        if selections is None or self.cache.is_open(condition):
            return False
        with self.cache.checking(condition):
            return self.graph.has_local_key(position) and self.can_fetch((position,), selections)

    def _stays_met(self, type_name: str, requires: Applied) -> bool:
        """Return whether the field set, which can be fetched now, stays fetchable after more positions are found.

        More positions can add possible types to the value of an abstract field, and each type must have the fields.
        """
        selections = requires.field_set
        return selections is not None and self.graph.selects_object_types_only(type_name, selections)

    # Positions

    def reachable(self, position: Position) -> tuple[Position, ...]:
        """Return all reachable positions of the same object, this position first.

        A key can need fields of other objects, and their reachable positions can depend on this position. So positions
        that depend on each other are computed together: each starts with only itself, until no set grows any more.
        """
        known = self.cache.reachable.get(position)
        if known is not None:
            return known
        if self.cache.growing is None:
            return self._grow_from(position)
        return self.cache.growing.setdefault(position, (position,))

    def _grow_from(self, position: Position) -> tuple[Position, ...]:
        with self.cache.grow_together(position) as growing:
            grew = True
            while grew:
                begun = list(growing)
                grew = False
                for each in begun:
                    before = growing[each]
                    growing[each] = self._extended(each, before)
                    grew = grew or len(growing[each]) > len(before)
                # Positions that were added in this round have not been extended yet.
                grew = grew or len(growing) > len(begun)
        return growing[position]

    def _extended(self, position: Position, found: tuple[Position, ...]) -> tuple[Position, ...]:
        """Return `found` with all positions whose keys can be fetched from the positions in `found`."""
        entries = self.cache.entries.get(position)
        if entries is None:
            entries = self.cache.entries[position] = tuple(self.graph.entries(position))
        more = tuple(
            entry
            for entry, keys in entries
            if entry not in found and any(key is not None and self.can_fetch(found, key, closed=True) for key in keys)
        )
        return found + more

    def as_type(self, value: Position, name: str) -> tuple[Position, ...]:
        """Return the positions of a field's value if the value is an object of the type `name`.

        The subgraph of an interface object cannot resolve the object's type. Then the result has a position for each
        reachable subgraph that has the interface itself.
        """
        definition = self.graph.definition(value)
        if not definition.is_interface_object:
            if name not in self.graph.concrete_types(value):
                return ()
            return (Position(value.index, name, value.provided),)
        found = []
        for seen in self.reachable(value):
            own = self.graph.subgraph(seen).schema
            is_interface = own.types[seen.type_name].kind is Kind.INTERFACE
            if is_interface and name in self.graph.possible_types_here(seen.index, seen.type_name):
                found.append(Position(seen.index, name, seen.provided))
        return tuple(found)

    # Field sets

    def can_fetch(
        self,
        positions: tuple[Position, ...],
        selections: SelectionSetNode,
        available: frozenset[ContextSelection] = NO_CONTEXT_SELECTIONS,
        *,
        closed: bool = False,
    ) -> bool:
        """Return whether every field of a field set can be fetched for one object.

        Args:
            positions: The positions of the object.
            selections: The field set.
            available: The context selections that the fields can use.
            closed: Whether only `positions` are used. Otherwise all positions that they reach are used too.
        """
        for item in selections.selections:
            if isinstance(item, InlineFragmentNode):
                wanted = item.type_condition.name.value if item.type_condition else None
                inner = positions if wanted is None else self.graph.narrowed(positions, wanted)
                still_closed = closed and inner == positions
                if inner and not self.can_fetch(inner, item.selection_set, available, closed=still_closed):
                    return False
            elif isinstance(item, FieldNode) and item.name.value != TYPENAME:
                values = self._fetched(positions, item.name.value, available, closed=closed)
                if not values:
                    return False
                if item.selection_set is not None:
                    below = self.available_below(positions[0].type_name, positions, available)
                    if not self._can_fetch_below(values, item.selection_set, below):
                        return False
        return True

    def _can_fetch_below(
        self, values: tuple[Position, ...], selections: SelectionSetNode, available: frozenset[ContextSelection]
    ) -> bool:
        for name in {name for value in values for name in self.graph.concrete_types(value)}:
            seen = tuple(dict.fromkeys(each for value in values for each in self.as_type(value, name)))
            if seen and not self.can_fetch(seen, selections, available):
                return False
        return True

    def _fetched(
        self, positions: Iterable[Position], name: str, available: frozenset[ContextSelection], *, closed: bool
    ) -> tuple[Position, ...]:
        """Return the positions of the value of one field of a field set; empty if the field cannot be fetched.

        Progressive fields are left out: the router decides labels only for the fields of the client's operation.
        """
        values: dict[Position, None] = {}
        for position in positions:
            for seen in (position,) if closed else self.reachable(position):
                value = self.resolve(seen, name, available)
                if value is not None and not self.graph.is_progressive(seen, name):
                    values[value] = None
        return tuple(values)

    # Contexts

    def available_below(
        self, type_name: str, positions: tuple[Position, ...], available: frozenset[ContextSelection]
    ) -> frozenset[ContextSelection]:
        """Return the context selections that fields below an object can use.

        For each context that the object sets, only selections that can be fetched from this object are included, even
        if an object above sets the same context.
        """
        contexts = self.contexts.set_by.get(type_name)
        if contexts is None:
            return available
        own = {selection for context in contexts for selection in self.contexts.selections.get(context, ())}
        return frozenset(each for each in available if each.context not in contexts) | {
            each for each in own if self._can_select(positions, each)
        }

    def _can_select(self, positions: tuple[Position, ...], selection: ContextSelection) -> bool:
        selections = parse_field_set_or_none(selection.text)
        # A selection on a context cannot need the same selection.
        if selections is None or self.cache.is_open(selection):
            return False
        with self.cache.checking(selection):
            return self.can_fetch(positions, selections)
