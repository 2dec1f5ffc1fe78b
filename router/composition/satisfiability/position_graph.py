"""Positions of an object, and the edges between them under one assumption about override labels.

A *position* is an object as one subgraph sees it: the subgraph, the type's name there, and the fields that a
`@provides` above makes resolvable in addition. An object type `Book` of the supergraph can appear as `Book`, or
through an interface object: then the position's type is the interface's name.

This module knows what one subgraph resolves by itself. What must be fetched from several subgraphs is the task of
`reachability`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql.language import FieldNode, SelectionSetNode

from router.composition.field_sets import target_fields
from router.composition.model import ABSTRACT, ROOTS, Applied, FieldDef, Kind, TypeDef
from router.composition.rules.key_identity import resolvable
from router.composition.satisfiability.provided_fields import NOTHING_PROVIDED, ProvidedFields, provided_fields
from router.composition.type_refs import base_name
from router.federation.type_references import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.composition.merge.merge_state import MergeState
    from router.composition.satisfiability.extracted_fields import ExtractedFields
    from router.composition.satisfiability.override_label_combinations import LabelAssumption
    from router.composition.subgraph_metadata import SubgraphMetadata


@dataclass(frozen=True, slots=True)
class Position:
    """An object as the subgraph at `index` sees it."""

    index: int
    type_name: str
    provided: ProvidedFields = NOTHING_PROVIDED


@dataclass(slots=True)
class PositionGraph:
    """The subgraphs of one composition under one assumption about override labels."""

    state: MergeState
    assumption: LabelAssumption
    extracted: ExtractedFields
    _possible_types: dict[str, frozenset[str]] = field(default_factory=dict)
    _possible_types_here: dict[tuple[int, str], frozenset[str]] = field(default_factory=dict)

    def subgraph(self, position: Position) -> SubgraphMetadata:
        """The subgraph of a position."""
        return self.state.subgraphs[position.index]

    def definition(self, position: Position) -> TypeDef:
        """The type at a position, as its subgraph defines it."""
        return self.subgraph(position).schema.types[position.type_name]

    def possible_types(self, name: str) -> frozenset[str]:
        """The object types that a type of the supergraph can be."""
        known = self._possible_types.get(name)
        if known is None:
            known = self._possible_types[name] = frozenset(self.state.supergraph.possible_types(name))
        return known

    def possible_types_here(self, index: int, name: str) -> frozenset[str]:
        """The object types that a type can be in one subgraph."""
        key = (index, name)
        known = self._possible_types_here.get(key)
        if known is None:
            known = self._possible_types_here[key] = frozenset(self.state.subgraphs[index].schema.possible_types(name))
        return known

    # Fields

    def declared_field(self, position: Position, name: str) -> FieldDef | None:
        """The field as the subgraph declares it; None if the subgraph does not have it after extraction."""
        member = self.definition(position).fields.get(name)
        return member if member is not None and self.extracted.has(position.index, member) else None

    def is_overridden(self, position: Position, member: FieldDef) -> bool:
        """Whether another subgraph overrides the field under this assumption."""
        return member.coordinate in self.assumption.overridden.get(position.index, ())

    def is_progressive(self, position: Position, name: str) -> bool:
        """Whether an override label decides if this subgraph or another one resolves the field."""
        coordinate = f"{position.type_name}.{name}"
        return coordinate in self.assumption.progressive.get(position.index, ())

    def resolvable_field(self, position: Position, name: str) -> FieldDef | None:
        """The field if the subgraph resolves it here, provided that the field's requirements are met."""
        member = self.declared_field(position, name)
        if member is None or self.is_overridden(position, member):
            return None
        if any(coordinate == member.coordinate for coordinate, _ in position.provided):
            return member
        return None if self.subgraph(position).is_external(member) else member

    def value_position(self, position: Position, member: FieldDef) -> Position:
        """The position of a field's value, of the field's declared type."""
        provided = frozenset(
            entry for coordinate, below in position.provided if coordinate == member.coordinate for entry in below
        )
        target = base_name(member.type)
        for provides in member.applied("provides"):
            selections = provides.field_set
            if selections is not None:
                provided |= provided_fields(self.subgraph(position).schema, target, selections)
        return Position(position.index, target, provided)

    def progressive_requirements(self, position: Position, member: FieldDef) -> list[str]:
        """The coordinates that the field requires and that an override label moves from one subgraph to another."""
        progressive = {coordinate for coordinates in self.assumption.progressive.values() for coordinate in coordinates}
        required = [
            target.coordinate
            for requires in member.applied("requires")
            for target, _ in target_fields(self.subgraph(position).schema, member.parent, requires)
        ]
        return [coordinate for coordinate in dict.fromkeys(required) if coordinate in progressive]

    # Keys

    def has_local_key(self, position: Position) -> bool:
        """Whether the subgraph has a key of this type whose fields it knows itself.

        Apollo's composition does not check either that another subgraph can supply the key.
        """
        if position.type_name in ROOTS.values():
            return True
        return any(self._knows_key(position, key) for key in self.definition(position).keys)

    def _knows_key(self, position: Position, key: Applied) -> bool:
        selections = key.field_set
        return selections is not None and self._knows_all(position, selections)

    def _knows_all(self, position: Position, selections: SelectionSetNode) -> bool:
        """Whether no field of the set is external or overridden here. A label leaves the field to both subgraphs."""
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
                if not self._knows_all(inner, item.selection_set):
                    return False
        return True

    def entries(self, position: Position) -> Iterator[tuple[Position, tuple[SelectionSetNode | None, ...]]]:
        """Positions of the same object in other subgraphs, with the field sets of the keys that lead there.

        A root type needs no key: its field set is empty. None stands for a key that cannot be parsed.
        """
        for index, subgraph in enumerate(self.state.subgraphs):
            if index == position.index:
                continue
            if position.type_name in ROOTS.values():
                if position.type_name in subgraph.schema.types:
                    yield Position(index, position.type_name), (_NO_FIELDS,)
                continue
            for name in self._names_elsewhere(position.type_name):
                definition = subgraph.schema.types.get(name)
                if definition is None or (name != position.type_name and not definition.is_interface_object):
                    continue
                keys = tuple(key.field_set for key in definition.keys if resolvable(key))
                if keys:
                    yield Position(index, name), keys

    def _names_elsewhere(self, name: str) -> Iterable[str]:
        """The names that the object can have in another subgraph: its type, or one of its interfaces."""
        definition = self.state.supergraph.types.get(name)
        if definition is None or definition.kind is not Kind.OBJECT:
            return (name,)
        return (name, *definition.interfaces)

    # Types

    def concrete_types(self, value: Position) -> frozenset[str]:
        """The object types that a field's value can have where it was resolved, and that the supergraph still has."""
        definition = self.subgraph(value).schema.types.get(value.type_name)
        if definition is None:
            return frozenset()
        if definition.is_interface_object:
            return self.possible_types(value.type_name)
        if definition.kind in ABSTRACT:
            return self.possible_types_here(value.index, value.type_name)
        return frozenset({value.type_name}) if definition.kind is Kind.OBJECT else frozenset()

    def narrowed(self, positions: tuple[Position, ...], wanted: str) -> tuple[Position, ...]:
        """The positions that remain under a type condition."""
        possible = self.possible_types(wanted)
        return tuple(each for each in positions if each.type_name == wanted or each.type_name in possible)

    def selects_object_types_only(self, type_name: str, selections: SelectionSetNode) -> bool:
        """Whether every field of the set has one object type, or a leaf type, in all subgraphs."""
        for item in selections.selections:
            if not isinstance(item, FieldNode):
                return False
            if item.selection_set is not None:
                below = self._object_below(type_name, item.name.value)
                if below is None or not self.selects_object_types_only(below, item.selection_set):
                    return False
        return True

    def _object_below(self, type_name: str, name: str) -> str | None:
        """The type of a field's value, if it is an object type wherever the field is resolved."""
        types = self.state.supergraph.types
        definition = types.get(type_name)
        member = definition.fields.get(name) if definition is not None else None
        target = types.get(base_name(member.type)) if member is not None else None
        return target.name if target is not None and target.kind is Kind.OBJECT else None


_NO_FIELDS = SelectionSetNode(selections=())
