"""Where one can be, and where one gets from there.

A *position* is an object as one subgraph sees it: the subgraph, the type's name there, and what a `@provides` above
makes resolvable in addition. An object type `Book` of the supergraph can be seen as `Book`, or through an interface
object: then the position's type is the interface's name.

From a position one reaches all positions of the same object in other subgraphs whose key can be fetched
(`reachable`). A key's fields may come from any position reached so far, so the set grows to a fixpoint:

    A: Book by id  →  B (key id, gives isbn)  →  C (key isbn)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionSetNode

from router.composition.field_set_targets import target_fields
from router.composition.model import ABSTRACT, ROOTS, Applied, FieldDef, Kind, TypeDef
from router.composition.rules.keys_equal import resolvable
from router.composition.satisfiability.filling import NO_FILLINGS, Contexts, Filling, needed_fillings
from router.composition.type_refs import base_name
from router.federation.field_sets import FieldSetSyntaxError, parse_field_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.composition.facts import Facts
    from router.composition.merge.state import MergeState
    from router.composition.satisfiability.overriding import Assumption
    from router.composition.satisfiability.rebuilt import Rebuilt

Scope = frozenset[tuple[str, "Scope"]]
"""What is provided below a position: `Type.field` → what is provided below that."""

NOTHING: Scope = frozenset()


@dataclass(frozen=True, slots=True)
class Position:
    """An object as the subgraph at `index` sees it."""

    index: int
    type_name: str
    scope: Scope = NOTHING


@dataclass(slots=True)
class Graph:
    """The subgraphs of one composition, under one assumption about override labels."""

    state: MergeState
    assumption: Assumption
    rebuilt: Rebuilt
    contexts: Contexts
    _reachable: dict[Position, tuple[Position, ...]] = field(default_factory=dict)
    _solving: dict[Position, tuple[Position, ...]] | None = None
    _entered: dict[Position, tuple[tuple[Position, tuple[Applied, ...]], ...]] = field(default_factory=dict)
    _selections: dict[str, SelectionSetNode | None] = field(default_factory=dict)
    _busy: set[tuple[int, str, str]] = field(default_factory=set)
    _met: dict[tuple[Position, str], bool] = field(default_factory=dict)
    _asking: set[Filling] = field(default_factory=set)
    # How often something was taken as not to be had because it is being looked for.
    _assumed: int = 0
    _members: dict[str, frozenset[str]] = field(default_factory=dict)
    _members_here: dict[tuple[int, str], frozenset[str]] = field(default_factory=dict)

    def facts(self, position: Position) -> Facts:
        return self.state.subgraphs[position.index]

    def definition(self, position: Position) -> TypeDef:
        return self.facts(position).schema.types[position.type_name]

    def possible(self, name: str) -> frozenset[str]:
        """Concrete types of a type of the supergraph."""
        if name not in self._members:
            self._members[name] = frozenset(self.state.supergraph.possible_types(name))
        return self._members[name]

    def _possible_here(self, index: int, name: str) -> frozenset[str]:
        """Concrete types of a type in one subgraph."""
        key = (index, name)
        if key not in self._members_here:
            self._members_here[key] = frozenset(self.state.subgraphs[index].schema.possible_types(name))
        return self._members_here[key]

    # Fields

    def declared(self, position: Position, name: str) -> FieldDef | None:
        member = self.definition(position).fields.get(name)
        return member if member is not None and self.rebuilt.has(position.index, member) else None

    def is_overridden(self, position: Position, member: FieldDef) -> bool:
        return member.coordinate in self.assumption.overridden.get(position.index, ())

    def resolves_locally(self, position: Position, name: str) -> bool:
        """Whether the subgraph resolves the field here, not asking what the field requires."""
        member = self.declared(position, name)
        if member is None or self.is_overridden(position, member):
            return False
        if any(key == member.coordinate for key, _ in position.scope):
            return True
        return not self.facts(position).is_external(member)

    def step(self, position: Position, name: str, fillings: frozenset[Filling]) -> Position | None:
        """Resolve a field right here; the position of its value (of the field's declared type), or None."""
        member = self.declared(position, name)
        if member is None or not self.resolves_locally(position, name) or not self._requirements_met(position, member):
            return None
        needed = needed_fillings(self.facts(position), member)
        if needed and not (needed <= fillings and self.local_key(position)):
            return None
        return self._value(position, member)

    def _value(self, position: Position, member: FieldDef) -> Position:
        scope = frozenset(entry for key, below in position.scope if key == member.coordinate for entry in below)
        target = base_name(member.type)
        for provides in member.applied("provides"):
            selections = self._parsed(provides)
            if selections is not None:
                scope |= self._scope(self.facts(position), target, selections)
        return Position(position.index, target, scope)

    def _scope(self, facts: Facts, type_name: str, selections: SelectionSetNode) -> Scope:
        entries: set[tuple[str, Scope]] = set()
        for item in selections.selections:
            if isinstance(item, InlineFragmentNode):
                inner = item.type_condition.name.value if item.type_condition else type_name
                entries |= self._scope(facts, inner, item.selection_set)
            elif isinstance(item, FieldNode):
                for name in {type_name, *facts.schema.possible_types(type_name)}:
                    member = facts.schema.types[name].fields.get(item.name.value)
                    if member is not None:
                        below = NOTHING
                        if item.selection_set is not None:
                            below = self._scope(facts, base_name(member.type), item.selection_set)
                        entries.add((member.coordinate, below))
        return frozenset(entries)

    def _requirements_met(self, position: Position, member: FieldDef) -> bool:
        """`@requires`: its fields can be fetched starting from here, and there is a key to come back by."""
        applied = member.applied("requires")
        if not applied:
            return True
        known = self._met.get((position, member.coordinate))
        if known is not None:
            return known
        before = self._assumed
        met = all(self._is_met(position, member, requires) for requires in applied)
        is_certain = self._assumed == before and self._solving is None
        if is_certain or (met and all(self._stays_met(position.type_name, requires) for requires in applied)):
            self._met[position, member.coordinate] = met
        return met

    def _is_met(self, position: Position, member: FieldDef, requires: Applied) -> bool:
        selections = self._parsed(requires)
        token = (position.index, member.coordinate, "requires")
        if selections is None:
            return False
        if token in self._busy:
            self._assumed += 1
            return False
        self._busy.add(token)
        try:
            return self.local_key(position) and self.can_fetch((position,), selections)
        finally:
            self._busy.discard(token)

    def _stays_met(self, type_name: str, requires: Applied) -> bool:
        """Whether a field set that can be had can also be had from more positions: not if these bring more types.

        What is found while something else is being looked for, and counts as not to be had, may be too little.
        """
        selections = self._parsed(requires)
        return selections is not None and self._is_of_one_type(type_name, selections)

    def _is_of_one_type(self, type_name: str, selections: SelectionSetNode) -> bool:
        for item in selections.selections:
            if not isinstance(item, FieldNode):
                return False
            if item.selection_set is not None:
                below = self._object_below(type_name, item.name.value)
                if below is None or not self._is_of_one_type(below, item.selection_set):
                    return False
        return True

    def _object_below(self, type_name: str, name: str) -> str | None:
        """The type of a field's value, if it is an object type wherever the field is resolved."""
        types = self.state.supergraph.types
        definition = types.get(type_name)
        member = definition.fields.get(name) if definition is not None else None
        target = types.get(base_name(member.type)) if member is not None else None
        return target.name if target is not None and target.kind is Kind.OBJECT else None

    def local_key(self, position: Position) -> bool:
        """Whether the subgraph has a key for this type whose fields it knows itself; Apollo asks for no more."""
        definition = self.definition(position)
        return position.type_name in ROOTS.values() or any(self._known_here(position, key) for key in definition.keys)

    def _known_here(self, position: Position, key: Applied) -> bool:
        selections = self._parsed(key)
        return selections is not None and self._has_all(position, selections)

    def _has_all(self, position: Position, selections: SelectionSetNode) -> bool:
        """Whether none of these fields is external here, or as good as that; a label leaves both sides theirs."""
        for item in selections.selections:
            if not isinstance(item, FieldNode) or item.name.value == "__typename":
                continue
            member = self.declared(position, item.name.value)
            if member is None or self.facts(position).is_external(member):
                return False
            if self.is_overridden(position, member) and not self._is_moving(position, member.name):
                return False
            if item.selection_set is not None:
                inner = Position(position.index, base_name(member.type), NOTHING)
                if not self._has_all(inner, item.selection_set):
                    return False
        return True

    def moving_requirements(self, position: Position, member: FieldDef) -> list[str]:
        """The fields it requires that an override label moves from one subgraph to another."""
        moving = {coordinate for coordinates in self.assumption.moving.values() for coordinate in coordinates}
        required = [
            target.coordinate
            for requires in member.applied("requires")
            for target, _ in target_fields(self.facts(position).schema, member.parent, requires)
        ]
        return [coordinate for coordinate in dict.fromkeys(required) if coordinate in moving]

    # Movements

    def reachable(self, position: Position) -> tuple[Position, ...]:
        """All positions of the same object, this one first.

        Keys can need fields of other objects, whose own reachable positions can depend on this one's. So all that
        depend on each other are solved together: each starts with itself alone, and grows until none grows.
        """
        known = self._reachable.get(position)
        if known is not None:
            return known
        if self._solving is None:
            return self._solve(position)
        return self._solving.setdefault(position, (position,))

    def _solve(self, position: Position) -> tuple[Position, ...]:
        solving: dict[Position, tuple[Position, ...]] = {position: (position,)}
        self._solving = solving
        try:
            grew = True
            while grew:
                begun = list(solving)
                grew = False
                for each in begun:
                    before = solving[each]
                    solving[each] = self._grown(each, before)
                    grew = grew or len(solving[each]) > len(before)
                # What others turned out to depend on has not grown yet.
                grew = grew or len(solving) > len(begun)
        finally:
            self._solving = None
        if not self._busy and not self._asking:
            # Found while the requirements of some field were taken as unmet, it would be true for now, not for good.
            self._reachable.update(solving)
        return solving[position]

    def _grown(self, position: Position, found: tuple[Position, ...]) -> tuple[Position, ...]:
        entries = self._entered.get(position)
        if entries is None:
            entries = self._entered[position] = tuple(self._entries(position))
        more = tuple(
            entry for entry, keys in entries if entry not in found and any(self._fetchable(found, key) for key in keys)
        )
        return found + more

    def _fetchable(self, found: tuple[Position, ...], key: Applied) -> bool:
        selections = self._parsed(key)
        return selections is not None and self.can_fetch(found, selections, closed=True)

    def _entries(self, position: Position) -> Iterator[tuple[Position, tuple[Applied, ...]]]:
        """Positions in other subgraphs that have keys, or are roots, which need none."""
        for index, facts in enumerate(self.state.subgraphs):
            if index == position.index:
                continue
            if position.type_name in ROOTS.values():
                if position.type_name in facts.schema.types:
                    yield Position(index, position.type_name), (_NO_KEY,)
                continue
            for name in self._names_elsewhere(position.type_name):
                definition = facts.schema.types.get(name)
                if definition is None or (name != position.type_name and not definition.is_interface_object):
                    continue
                keys = tuple(key for key in definition.keys if resolvable(key))
                if keys:
                    yield Position(index, name), keys

    def _names_elsewhere(self, name: str) -> Iterable[str]:
        """What the object may be called in another subgraph: its type, or an interface that stands for it."""
        definition = self.state.supergraph.types.get(name)
        if definition is None or definition.kind is not Kind.OBJECT:
            return (name,)
        return (name, *definition.interfaces)

    # Selections

    def can_fetch(
        self,
        positions: tuple[Position, ...],
        selections: SelectionSetNode,
        fillings: frozenset[Filling] = NO_FILLINGS,
        *,
        closed: bool = False,
    ) -> bool:
        """Whether every field of a field set can be had, starting from one object seen at `positions`.

        `closed` positions are taken as they are; otherwise everything reachable from them counts too. Only contexts
        that are set inside of the field set have `fillings`.
        """
        for item in selections.selections:
            if isinstance(item, InlineFragmentNode):
                wanted = item.type_condition.name.value if item.type_condition else None
                inner = positions if wanted is None else tuple(self._narrowed(positions, wanted))
                still_closed = closed and inner == positions
                if inner and not self.can_fetch(inner, item.selection_set, fillings, closed=still_closed):
                    return False
            elif isinstance(item, FieldNode) and item.name.value != "__typename":
                values = self._fetched(positions, item.name.value, fillings, closed=closed)
                if not values:
                    return False
                if item.selection_set is not None:
                    below = self.filled_below(positions[0].type_name, positions, fillings)
                    if not self._can_fetch_below(values, item.selection_set, below):
                        return False
        return True

    def _can_fetch_below(
        self, values: tuple[Position, ...], selections: SelectionSetNode, fillings: frozenset[Filling]
    ) -> bool:
        names = {name for value in values for name in self.concrete_names(value)}
        if not names:
            return True
        for name in names:
            seen = tuple(dict.fromkeys(each for value in values for each in self.as_type(value, name)))
            if seen and not self.can_fetch(seen, selections, fillings):
                return False
        return True

    def _narrowed(self, positions: tuple[Position, ...], wanted: str) -> Iterator[Position]:
        possible = self.possible(wanted)
        for position in positions:
            if position.type_name in possible or position.type_name == wanted:
                yield position

    def _fetched(
        self, positions: Iterable[Position], name: str, fillings: frozenset[Filling], *, closed: bool
    ) -> tuple[Position, ...]:
        """The positions of the value of a field set's field, over everything reachable from `positions`.

        A label is decided for the fields of an operation, not for what is fetched beside them: no field that has one.
        """
        values: dict[Position, None] = {}
        for position in positions:
            for seen in (position,) if closed else self.reachable(position):
                value = self.step(seen, name, fillings)
                if value is not None and not self._is_moving(seen, name):
                    values[value] = None
        return tuple(values)

    def _is_moving(self, position: Position, name: str) -> bool:
        """Whether a label decides if the field is resolved here or in another subgraph."""
        coordinate = f"{position.type_name}.{name}"
        return coordinate in self.assumption.moving.get(position.index, ())

    def concrete_names(self, value: Position) -> frozenset[str]:
        """The concrete types a value of a field can have where it was resolved, and still have in the supergraph."""
        definition = self.facts(value).schema.types.get(value.type_name)
        if definition is None:
            return frozenset()
        if definition.is_interface_object:
            return self.possible(value.type_name)
        if definition.kind in ABSTRACT:
            return self._possible_here(value.index, value.type_name)
        return frozenset({value.type_name}) if definition.kind is Kind.OBJECT else frozenset()

    def as_type(self, value: Position, name: str) -> tuple[Position, ...]:
        """A value of a field as an object of one concrete type; several ways if the type must be found elsewhere first.

        An interface object does not know its type: it is asked of a subgraph that has the interface itself.
        """
        definition = self.definition(value)
        if not definition.is_interface_object:
            if name not in self.concrete_names(value):
                return ()
            return (Position(value.index, name, value.scope),)
        found = []
        for seen in self.reachable(value):
            own = self.facts(seen).schema
            if own.types[seen.type_name].kind is Kind.INTERFACE and name in self._possible_here(
                seen.index, seen.type_name
            ):
                found.append(Position(seen.index, name, seen.scope))
        return tuple(found)

    # Contexts

    def filled_below(
        self, type_name: str, positions: tuple[Position, ...], fillings: frozenset[Filling]
    ) -> frozenset[Filling]:
        """What can be filled below an object: what could be at it, or what it can be asked for where it sets a context.

        The nearest object that sets a context counts, also if it cannot be asked for what is selected on it.
        """
        contexts = self.contexts.set_by.get(type_name)
        if contexts is None:
            return fillings
        own = {filling for context in contexts for filling in self.contexts.fillings.get(context, ())}
        return frozenset(filling for filling in fillings if filling.context not in contexts) | {
            filling for filling in own if self._can_be_asked(positions, filling)
        }

    def _can_be_asked(self, positions: tuple[Position, ...], filling: Filling) -> bool:
        selections = self._selection_set(filling.selection)
        if selections is None:
            return False
        if filling in self._asking:
            # What is selected to fill an argument cannot need the same filling.
            self._assumed += 1
            return False
        self._asking.add(filling)
        try:
            return self.can_fetch(positions, selections)
        finally:
            self._asking.discard(filling)

    # Field sets

    def _parsed(self, applied: Applied) -> SelectionSetNode | None:
        if applied is _NO_KEY:
            return _EMPTY
        return self._selection_set(applied.text("fields") or "")

    def _selection_set(self, text: str) -> SelectionSetNode | None:
        if text not in self._selections:
            try:
                self._selections[text] = parse_field_set(text)
            except FieldSetSyntaxError:
                self._selections[text] = None
        return self._selections[text]


_EMPTY = SelectionSetNode(selections=())
_NO_KEY = Applied("key", {}, "key")
