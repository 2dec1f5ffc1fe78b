"""Find the fields of an object that one subgraph resolves, and the keys by which other subgraphs resolve the object.

A *position* of an object has three parts: a subgraph that can return the object, the object's type name in this
subgraph, and the external fields that a `@provides` above the object makes resolvable.

The type name can differ between subgraphs: if subgraph B has `type Media @interfaceObject` and `Book` implements
`Media`, then a `Book` has the type name `Media` in subgraph B.

This module looks at one subgraph at a time. `reachability` combines the subgraphs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from graphql.language import FieldNode, SelectionSetNode

from router.composition.fields_of_field_set import target_fields
from router.composition.key_identity_and_resolvability import resolvable
from router.composition.model import ABSTRACT, ROOTS, Applied, FieldDef, Kind, TypeDef
from router.composition.satisfiability.provided_fields import NOTHING_PROVIDED, ProvidedFields, provided_fields
from router.composition.type_refs import base_name
from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.merge.merge_state import MergeState
    from router.composition.satisfiability.override_label_combinations import LabelAssumption
    from router.composition.satisfiability.types_lost_by_extraction import LostTypes


class Position(NamedTuple):
    """A position of an object.

    Attributes:
        index: The index of the subgraph.
        type_name: The name of the object's type in the subgraph.
        provided: The external fields that a `@provides` above the object makes resolvable.
    """

    index: int  # type: ignore[assignment]  # hides a method of tuples that nothing calls
    type_name: str
    provided: ProvidedFields = NOTHING_PROVIDED


@dataclass(slots=True)
class PositionGraph:
    """The positions of objects in all subgraphs, under one assumption about which override labels are active."""

    state: MergeState
    assumption: LabelAssumption
    lost_types: LostTypes
    _possible_types: dict[str, frozenset[str]] = field(default_factory=dict)
    _possible_types_here: dict[tuple[int, str], frozenset[str]] = field(default_factory=dict)

    def subgraph(self, position: Position) -> SubgraphMetadata:
        """Return the subgraph to which a position belongs."""
        return self.state.subgraphs[position.index]

    def definition(self, position: Position) -> TypeDef:
        """Return the type of a position, as the subgraph defines it."""
        return self.subgraph(position).schema.types[position.type_name]

    def possible_types(self, name: str) -> frozenset[str]:
        """Return the possible object types of the type `name` in the supergraph."""
        known = self._possible_types.get(name)
        if known is None:
            known = self._possible_types[name] = frozenset(self.state.supergraph.possible_types(name))
        return known

    def possible_types_here(self, index: int, name: str) -> frozenset[str]:
        """Return the possible object types of the type `name` in the subgraph at `index`."""
        key = (index, name)
        known = self._possible_types_here.get(key)
        if known is None:
            known = self._possible_types_here[key] = frozenset(self.state.subgraphs[index].schema.possible_types(name))
        return known

    # Methods about fields

    def declared_field(self, position: Position, name: str) -> FieldDef | None:
        """Return the declaration of the field `name` in the subgraph of the position.

        Returns None if the subgraph does not have the field, or if the type of the field is lost when a router extracts
        the subgraph from the supergraph (see `types_lost_by_extraction`).
        """
        member = self.state.subgraphs[position.index].schema.types[position.type_name].fields.get(name)
        return member if member is not None and self.lost_types.keeps_type_of(position.index, member) else None

    def is_overridden(self, position: Position, member: FieldDef) -> bool:
        """Return whether the subgraph of the position does not resolve `member` because of an `@override`.

        `self.assumption` says which override labels are active.
        """
        overridden = self.assumption.overridden.get(position.index)
        return overridden is not None and member.coordinate in overridden

    def is_progressive(self, position: Position, name: str) -> bool:
        """Return whether an override label decides if the subgraph of the position resolves the field."""
        coordinate = f"{position.type_name}.{name}"
        return coordinate in self.assumption.progressive.get(position.index, ())

    def resolvable_field(self, position: Position, name: str) -> FieldDef | None:
        """Return the field `name`, or None if the subgraph does not resolve the field at this position.

        This method does not check whether the `@requires` and `@fromContext` of the field are met.
        """
        member = self.declared_field(position, name)
        if member is None or self.is_overridden(position, member):
            return None
        if position.provided and any(coordinate == member.coordinate for coordinate, _ in position.provided):
            return member
        return None if self.subgraph(position).is_external(member) else member

    def value_position(self, position: Position, member: FieldDef) -> Position:
        """Return the position of a field's value, in the same subgraph.

        The type name is the declared type of the field, which can be an interface or union.
        """
        provided = position.provided and frozenset(
            entry for coordinate, below in position.provided if coordinate == member.coordinate for entry in below
        )
        target = base_name(member.type)
        for provides in member.applied("provides"):
            selections = provides.field_set
            if selections is not None:
                provided |= provided_fields(self.subgraph(position).schema, target, selections)
        return Position(position.index, target, provided)

    def progressive_requirements(self, position: Position, member: FieldDef) -> list[str]:
        """Return the coordinates of the progressive fields in the `@requires` of the field `member`."""
        progressive = {coordinate for coordinates in self.assumption.progressive.values() for coordinate in coordinates}
        required = [
            target.coordinate
            for requires in member.applied("requires")
            for target, _ in target_fields(self.subgraph(position).schema, member.parent, requires)
        ]
        return [coordinate for coordinate in dict.fromkeys(required) if coordinate in progressive]

    # Methods about keys

    def has_local_key(self, position: Position) -> bool:
        """Return whether the subgraph resolves all fields of at least one of its keys for the type of the position.

        A root type needs no key, so the result is True. As in Apollo's composition, it does not matter whether other
        subgraphs could supply the fields of the key.
        """
        if position.type_name in ROOTS.values():
            return True
        return any(self._resolves_key(position, key) for key in self.definition(position).keys)

    def _resolves_key(self, position: Position, key: Applied) -> bool:
        selections = key.field_set
        return selections is not None and self._resolves_all(position, selections)

    def _resolves_all(self, position: Position, selections: SelectionSetNode) -> bool:
        """Return whether the subgraph itself resolves every field of a field set.

        External fields and fields that are overridden without a label do not count as resolved.
        """
        for item in selections.selections:
            if not isinstance(item, FieldNode) or item.name.value == TYPENAME:
                continue
            member = self.declared_field(position, item.name.value)
            if member is None or self.subgraph(position).is_external(member):
                return False
            if self.is_overridden(position, member) and not self.is_progressive(position, member.name):
                return False
            if item.selection_set is not None:
                inner = Position(position.index, base_name(member.type))
                if not self._resolves_all(inner, item.selection_set):
                    return False
        return True

    def entries(self, position: Position) -> Iterator[tuple[Position, tuple[SelectionSetNode | None, ...]]]:
        """Yield the positions that the same object can have in other subgraphs. Not all of them are reachable.

        Each position is paired with the field sets of its resolvable keys. The router reaches the position if it can
        fetch one of these field sets. A position of a root type needs no key, so it is paired with an empty field set.
        If a field set cannot be parsed, the result has None in its place.
        """
        names = self._names_elsewhere(position.type_name)
        indices = {index for name in names for index in self.state.subgraphs_with.get(name, ())}
        for index in sorted(indices - {position.index}):
            if position.type_name in ROOTS.values():
                yield Position(index, position.type_name), (_NO_FIELDS,)
                continue
            for name in names:
                definition = self.state.subgraphs[index].schema.types.get(name)
                if definition is None or (name != position.type_name and not definition.is_interface_object):
                    continue
                keys = tuple(key.field_set for key in definition.keys if resolvable(key))
                if keys:
                    yield Position(index, name), keys

    def _names_elsewhere(self, name: str) -> tuple[str, ...]:
        """Return the names under which another subgraph can have the type.

        These are the name of the type itself and the names of its interfaces, because another subgraph can have an
        interface as an `@interfaceObject` type.
        """
        definition = self.state.supergraph.types.get(name)
        if definition is None or definition.kind is not Kind.OBJECT:
            return (name,)
        return (name, *definition.interfaces)

    # Methods about types

    def concrete_types(self, value: Position) -> frozenset[str]:
        """Return the object types that an object at this position can have.

        The type of the position can be an interface or union. For an `@interfaceObject` type, all implementations
        in the supergraph are possible.
        """
        definition = self.subgraph(value).schema.types.get(value.type_name)
        if definition is None:
            return frozenset()
        if definition.is_interface_object:
            return self.possible_types(value.type_name)
        if definition.kind in ABSTRACT:
            return self.possible_types_here(value.index, value.type_name)
        return frozenset({value.type_name}) if definition.kind is Kind.OBJECT else frozenset()

    def narrowed(self, positions: tuple[Position, ...], wanted: str) -> tuple[Position, ...]:
        """Return the positions at which every possible object type matches the type condition `... on wanted`."""
        possible = self.possible_types(wanted)
        return tuple(each for each in positions if each.type_name == wanted or each.type_name in possible)

    def selects_object_types_only(self, type_name: str, selections: SelectionSetNode) -> bool:
        """Return whether a field set has no inline fragments and selects no field of an interface or union type."""
        for item in selections.selections:
            if not isinstance(item, FieldNode):
                return False
            if item.selection_set is not None:
                below = self._object_below(type_name, item.name.value)
                if below is None or not self.selects_object_types_only(below, item.selection_set):
                    return False
        return True

    def _object_below(self, type_name: str, name: str) -> str | None:
        """Return the object type of the field `type_name.name` in the supergraph. None if the type has another kind."""
        types = self.state.supergraph.types
        definition = types.get(type_name)
        member = definition.fields.get(name) if definition is not None else None
        target = types.get(base_name(member.type)) if member is not None else None
        return target.name if target is not None and target.kind is Kind.OBJECT else None


_NO_FIELDS = SelectionSetNode(selections=())
