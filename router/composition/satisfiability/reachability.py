"""What can be fetched from a position: the other positions of the same object, and field sets over all of them.

From a position the router can fetch the same object from any subgraph whose key it can fetch. The fields of a key may
come from any position reached so far, so the set of reachable positions grows until nothing can be added:

    A: Book by id  →  B (key id, gives isbn)  →  C (key isbn)
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
    """Answers questions about one graph, and remembers the answers."""

    graph: PositionGraph
    contexts: Contexts
    cache: ReachabilityCache = field(default_factory=ReachabilityCache)

    # Fields

    def resolve(self, position: Position, name: str, available: frozenset[ContextSelection]) -> Position | None:
        """The position of a field's value, or None if the subgraph cannot resolve the field here.

        Args:
            position: The object that has the field.
            name: The field's name.
            available: What can be selected from the contexts that are set above.
        """
        member = self.graph.resolvable_field(position, name)
        if member is None or not self._requirements_met(position, member):
            return None
        required = required_context_selections(self.graph.subgraph(position), member)
        if required and not (required <= available and self.graph.has_local_key(position)):
            return None
        return self.graph.value_position(position, member)

    def _requirements_met(self, position: Position, member: FieldDef) -> bool:
        """Whether the fields of each `@requires` can be fetched from here, and a key leads back."""
        applied = member.applied("requires")
        if not applied:
            return True
        known = self.cache.requirements.get((position, member.coordinate))
        if known is not None:
            return known
        before = self.cache.provisional_answers
        met = all(self._requirement_met(position, member, requires) for requires in applied)
        is_final = self.cache.is_certain_since(before)
        if is_final or (met and all(self._stays_met(position.type_name, requires) for requires in applied)):
            self.cache.requirements[position, member.coordinate] = met
        return met

    def _requirement_met(self, position: Position, member: FieldDef, requires: Applied) -> bool:
        selections = requires.field_set
        question = (position.index, member.coordinate)
        if selections is None or self.cache.is_open(question):
            return False
        with self.cache.answering(question):
            return self.graph.has_local_key(position) and self.can_fetch((position,), selections)

    def _stays_met(self, type_name: str, requires: Applied) -> bool:
        """Whether a field set that can be fetched can still be fetched after more positions are found.

        More positions can add possible types for the value of an abstract type, and each type must have the fields.
        """
        selections = requires.field_set
        return selections is not None and self.graph.selects_object_types_only(type_name, selections)

    # Positions

    def reachable(self, position: Position) -> tuple[Position, ...]:
        """All positions of the same object, this one first.

        Keys can need fields of other objects, whose reachable positions can depend on this one's. So all that depend
        on each other are computed together: each begins with itself alone, and grows until none grows.
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
                # Positions that others turned out to depend on have not grown yet.
                grew = grew or len(growing) > len(begun)
        return growing[position]

    def _extended(self, position: Position, found: tuple[Position, ...]) -> tuple[Position, ...]:
        """The positions found so far, and those whose keys can be fetched from them."""
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
        """A field's value as an object of one concrete type.

        An interface object does not know its type: a subgraph that has the interface itself must be asked for it. So
        there can be several positions.
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
        """Whether every field of a field set can be fetched for one object.

        Args:
            positions: Where the object is.
            selections: The field set.
            available: What can be selected from the contexts that are set inside of the field set.
            closed: Whether only `positions` count. Otherwise everything reachable from them counts too.
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
        """The positions of the value of one field of a field set.

        A field that an override label moves does not count: the router decides labels for the fields of an operation,
        not for what it fetches in addition.
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
        """What can be selected from contexts below an object: as at the object, and from the contexts that it sets.

        The nearest object that sets a context counts, even if what is selected on it cannot be fetched.
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
        with self.cache.answering(selection):
            return self.can_fetch(positions, selections)
