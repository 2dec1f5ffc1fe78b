"""Find the positions of an object that the router can reach by keys, and the fields that it can fetch at each position.

The router reaches a position in another subgraph if it can fetch the fields of one key of this position. The router may
fetch these fields from any position that it has reached before. So the search for positions is repeated until no
further position is found. Example with three subgraphs:

    A: type Book { id: ID! }                                # the object is found here
    B: type Book @key(fields: "id") { id: ID! isbn: ID! }   # reachable: A has `id`
    C: type Book @key(fields: "isbn") { isbn: ID! }         # reachable: B has `isbn`
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
from router.composition.satisfiability.reachability_cache_and_cycles import ReachabilityCache
from router.federation.field_sets import parse_field_set_or_none
from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql.language import SelectionSetNode

    from router.composition.model import Applied, FieldDef
    from router.composition.satisfiability.position_graph import PositionGraph


@dataclass(slots=True)
class Reachability:
    """Finds the positions that the router can reach and the fields that it can fetch, and caches the results."""

    graph: PositionGraph
    contexts: Contexts
    cache: ReachabilityCache = field(default_factory=ReachabilityCache)

    # Methods about fields

    def resolve(self, position: Position, name: str, available: frozenset[ContextSelection]) -> Position | None:
        """Return the position of a field's value, or None if the subgraph of `position` cannot resolve the field.

        Args:
            position: The position of the object that has the field.
            name: The name of the field.
            available: The context selections that the router can fetch for the field (see `context_selections`).
        """
        member = self.graph.resolvable_field(position, name)
        if member is None or not self._requirements_met(position, member):
            return None
        required = required_context_selections(self.graph.subgraph(position), member)
        if required and not (required <= available and self.graph.has_local_key(position)):
            return None
        return self.graph.value_position(position, member)

    def _requirements_met(self, position: Position, member: FieldDef) -> bool:
        """Return whether the router can fetch the required fields of `member` and send them together with a key."""
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
        """Return whether the required fields certainly remain fetchable when the search finds more positions.

        If a required field has an interface or union type, return False: new positions can have further object types.
        """
        selections = requires.field_set
        return selections is not None and self.graph.selects_object_types_only(type_name, selections)

    # Methods about positions

    def reachable(self, position: Position) -> tuple[Position, ...]:
        """Return all reachable positions of the same object. `position` is the first.

        A key of one object can select fields of another object. So the positions of both objects are computed together,
        in rounds, until a round finds no new position. During a round, the result has the positions found so far.
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
                # If this round added objects to `growing`, their positions need another round.
                grew = grew or len(growing) > len(begun)
        return growing[position]

    def _extended(self, position: Position, found: tuple[Position, ...]) -> tuple[Position, ...]:
        """Return `found` and the further positions that the router can reach directly from positions in `found`."""
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
        """Return the positions of a field's value, assuming that the value is an object of the type `name`.

        A subgraph with an `@interfaceObject` type does not know the object's type. For such a subgraph, the result has
        the reachable positions in subgraphs that define the interface and its implementation `name`.
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

    # Methods about field sets

    def can_fetch(
        self,
        positions: tuple[Position, ...],
        selections: SelectionSetNode,
        available: frozenset[ContextSelection] = NO_CONTEXT_SELECTIONS,
        *,
        closed: bool = False,
    ) -> bool:
        """Return whether the router can fetch every field of a field set for one object.

        Args:
            positions: The known positions of the object.
            selections: The field set.
            available: The context selections that the router can fetch for the fields.
            closed: If True, the router may use only `positions`. If False, it may also move to reachable positions.
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
        """Return all positions of the value of the field `name`. Empty if the router cannot fetch the field.

        The router decides about override labels only for the client's own fields. So progressive fields are left out.
        """
        values: dict[Position, None] = {}
        for position in positions:
            for seen in (position,) if closed else self.reachable(position):
                value = self.resolve(seen, name, available)
                if value is not None and not self.graph.is_progressive(seen, name):
                    values[value] = None
        return tuple(values)

    # Methods about contexts

    def available_below(
        self, type_name: str, positions: tuple[Position, ...], available: frozenset[ContextSelection]
    ) -> frozenset[ContextSelection]:
        """Return the context selections that the router can fetch for fields below an object.

        `available` are the context selections from ancestors of the object. If the object itself sets a context, this
        object is used instead of an ancestor. Selections that cannot be fetched are left out.
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
        # If the check of this selection is already running, this False is provisional (see `ReachabilityCache`).
        if selections is None or self.cache.is_open(selection):
            return False
        with self.cache.checking(selection):
            return self.can_fetch(positions, selections)
