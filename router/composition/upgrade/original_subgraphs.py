"""The input of the upgrade steps: the schema that is being changed, and all subgraphs before any change."""

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
    """What other subgraphs need to know about a subgraph before the upgrade.

    Attributes:
        name: Its name.
        types: All type names.
        bases: The types that it defines, not only extends.
        resolved: Coordinates of the fields that it resolves.
        shareable: Coordinates of its shareable fields.
        first_key_fields: Type → its own fields in its first key.
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
        """Record one schema."""
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
    """All subgraphs before the upgrade."""

    subgraphs: Sequence[Original]

    @classmethod
    def of(cls, schemas: Sequence[SubgraphSchema]) -> Originals:
        return cls([Original.of(schema) for schema in schemas])


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One subgraph that is being upgraded."""

    schema: SubgraphSchema
    originals: Originals
    report: Report

    @property
    def others(self) -> Iterator[Original]:
        """The other subgraphs."""
        return (original for original in self.originals.subgraphs if original.name != self.schema.name)

    @property
    def original(self) -> Original:
        """This subgraph before the upgrade."""
        return next(original for original in self.originals.subgraphs if original.name == self.schema.name)


def is_extension(definition: TypeDef) -> bool:
    """Whether it is an extension as Federation 1 defines it: another subgraph owns the type."""
    return definition.has("extends") or (definition.has_extension and not definition.has_definition)
