"""The input of the upgrade steps: the schema to change, and records of all subgraphs before any change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.composition.const_value_nodes import identity
from router.composition.field_sets import target_fields
from router.composition.model import Kind, TypeDef
from router.composition.subgraph_metadata import SubgraphMetadata

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from router.composition.model import SubgraphSchema
    from router.composition.report import Report


@dataclass(frozen=True, slots=True)
class Original:
    """A record of one subgraph before the upgrade. The upgrade of other subgraphs reads it.

    Attributes:
        name: The name of the subgraph.
        types: All type names.
        bases: The names of the types that the subgraph defines, not only extends.
        resolved: Coordinates of the fields that the subgraph resolves.
        shareable: Coordinates of the shareable fields.
        first_key_fields: Type name → names of its fields in its first key.
        tags: Coordinate of a field → the names of its tags.
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
        """Record one subgraph."""
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
    """The records of all subgraphs before the upgrade."""

    subgraphs: Sequence[Original]

    @classmethod
    def of(cls, schemas: Sequence[SubgraphSchema]) -> Originals:
        return cls([Original.of(schema) for schema in schemas])


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The upgrade of one subgraph."""

    schema: SubgraphSchema
    originals: Originals
    report: Report

    @property
    def others(self) -> Iterator[Original]:
        """The records of the other subgraphs before the upgrade."""
        return (original for original in self.originals.subgraphs if original.name != self.schema.name)

    @property
    def original(self) -> Original:
        """The record of this subgraph before the upgrade."""
        return next(original for original in self.originals.subgraphs if original.name == self.schema.name)


def is_extension(definition: TypeDef) -> bool:
    """Return whether the type is an extension as in Federation 1, where another subgraph owns the type."""
    return definition.has("extends") or (definition.has_extension and not definition.has_definition)
