"""The input of an upgrade step: the schema to change, and a record of each subgraph as it was before the upgrade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.composition.const_value_nodes import identity
from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
from router.composition.fields_of_field_set import target_fields
from router.composition.model import Kind, TypeDef

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from router.composition.model import SubgraphSchema
    from router.composition.report import Report


@dataclass(frozen=True, slots=True)
class Original:
    """A record of one subgraph as it was before the upgrade. The upgrade steps of all subgraphs read the record.

    Attributes:
        name: The name of the subgraph.
        types: The names of all types.
        bases: The names of the types that the subgraph defines. A type that the subgraph only extends is not in the
            set.
        resolved: The coordinates of the fields that the subgraph resolves, such as `User.name`.
        shareable: The coordinates of the fields that other subgraphs may resolve too.
        first_key_fields: Name of a type → names of the type's fields that its first key selects. Selected fields of
            other types are left out.
        tags: Coordinate of a field → the `name` arguments of its `@tag` directives. Fields with `@external` are left
            out.
    """

    name: str
    types: frozenset[str]
    bases: frozenset[str]
    resolved: frozenset[str]
    shareable: frozenset[str]
    first_key_fields: dict[str, frozenset[str]]
    tags: dict[str, frozenset[Hashable]]

    @classmethod
    def of(cls, schema: SubgraphSchema) -> Original:
        """Make the record of one subgraph."""
        subgraph = SubgraphMetadata(schema)
        fields = [(definition, member) for definition, member in schema.fields() if definition.kind is Kind.OBJECT]
        return cls(
            name=schema.name,
            types=frozenset(schema.types),
            bases=frozenset(each.name for each in schema.types.values() if each.has_definition),
            resolved=frozenset(member.coordinate for _, member in fields if not subgraph.is_fully_external(member)),
            shareable=subgraph.shareable,
            first_key_fields={
                definition.name: frozenset(
                    member.name
                    for member, _ in target_fields(schema, definition.name, definition.keys[0])
                    if member.parent == definition.name
                )
                for definition in schema.of_kind(Kind.OBJECT, Kind.INTERFACE)
                if definition.keys
            },
            tags={
                member.coordinate: frozenset(identity(tag.arguments.get("name")) for tag in member.applied("tag"))
                for _, member in schema.fields()
                if not member.has("external")
            },
        )


@dataclass(frozen=True, slots=True)
class Originals:
    """The records of all subgraphs as they were before the upgrade."""

    subgraphs: Sequence[Original]

    @classmethod
    def of(cls, schemas: Sequence[SubgraphSchema]) -> Originals:
        return cls([Original.of(schema) for schema in schemas])


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The input of an upgrade step for one subgraph.

    A step changes `schema`, reads `originals`, and adds errors to `report`.
    """

    schema: SubgraphSchema
    originals: Originals
    report: Report

    @property
    def others(self) -> Iterator[Original]:
        """The records of all other subgraphs."""
        return (original for original in self.originals.subgraphs if original.name != self.schema.name)

    @property
    def original(self) -> Original:
        """The record of this subgraph."""
        return next(original for original in self.originals.subgraphs if original.name == self.schema.name)


def is_extension(definition: TypeDef) -> bool:
    """Return whether the subgraph only extends the type.

    This is the case if the type has `@extends`, or if the type has `extend type` but no definition.
    """
    return definition.has("extends") or (definition.has_extension and not definition.has_definition)
