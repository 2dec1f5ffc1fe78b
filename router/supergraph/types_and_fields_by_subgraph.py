"""Read the join directives of every type and field once, and list types and fields by subgraph (composition §8.6).

In a supergraph of 200 subgraphs, the type `Query` has fields of all 200 subgraphs. Without these lists, the directives
of all its fields would be read again for each subgraph.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import msgspec
from graphql import (
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from graphql import TypeDefinitionNode

    from router.supergraph.join_directives import JoinField, JoinType, JoinVocabulary

Node = TypeVar("Node", FieldDefinitionNode, InputValueDefinitionNode)


class JoinedField(NamedTuple, Generic[Node]):
    """A field of a type, and its `@join__field` for one subgraph.

    `join` is None if the field has no `@join__field` at all.

    `position` is the index of the field in its type.
    """

    position: int
    node: Node
    join: JoinField | None


class FieldsBySubgraph(msgspec.Struct, Generic[Node], frozen=True):
    """The fields of a type, by subgraph.

    Fields without `@join__field` are in all subgraphs of the type (`everywhere`).
    """

    everywhere: Sequence[JoinedField[Node]]
    by_graph: Mapping[str, Sequence[JoinedField[Node]]]

    @classmethod
    def of(cls, nodes: Iterable[Node], join: JoinVocabulary) -> FieldsBySubgraph[Node]:
        """List `nodes` by the subgraphs in their `@join__field` directives.

        If a field has several directives for one subgraph, only the first of these directives is used.
        """
        everywhere: list[JoinedField[Node]] = []
        by_graph: dict[str, list[JoinedField[Node]]] = {}
        for position, node in enumerate(nodes):
            entries = join.fields(node.directives)
            if not entries:
                everywhere.append(JoinedField(position, node, None))
            for graph, entry in {entry.graph: entry for entry in reversed(entries)}.items():
                if graph is not None:
                    by_graph.setdefault(graph, []).append(JoinedField(position, node, entry))
        return cls(everywhere, by_graph)

    def of_graph(self, graph: str) -> list[JoinedField[Node]]:
        """Return the fields that a subgraph has, in the order of the type."""
        fields = list(self.everywhere)
        fields += self.by_graph.get(graph, ())
        return sorted(fields, key=_position)

    def joined_here(self, graph: str) -> Sequence[JoinedField[Node]]:
        """Return the fields that have a `@join__field` for the subgraph."""
        return self.by_graph.get(graph, ())


def _position(field: JoinedField[Node]) -> int:
    return field.position


class JoinedType(msgspec.Struct, frozen=True):
    """The definition of a type in the supergraph, with its join directives.

    Attributes:
        definition: The definition.
        joins: The `@join__type` directives by subgraph.
        owners: The subgraphs in the `@join__owner` directives (join v0.1).
        contexts: The names of the contexts that the type sets.
        interfaces: The interfaces in the `@join__implements` directives, by subgraph.
        fields: The fields of an object type or an interface.
        input_fields: The fields of an input type.
        positions: The index of each field of an object type or an interface, by its name.
    """

    definition: TypeDefinitionNode
    joins: Mapping[str, Sequence[JoinType]]
    owners: Sequence[str]
    contexts: frozenset[str]
    interfaces: Mapping[str, Sequence[str]]
    fields: FieldsBySubgraph[FieldDefinitionNode]
    input_fields: FieldsBySubgraph[InputValueDefinitionNode]
    positions: Mapping[str, int]

    @property
    def all_interfaces(self) -> list[str]:
        """The interfaces that the type implements in at least one subgraph."""
        declared = [name.name.value for name in getattr(self.definition, "interfaces", None) or ()]
        return list(dict.fromkeys([*declared, *chain.from_iterable(self.interfaces.values())]))

    def declared_field(self, name: str) -> FieldDefinitionNode:
        """Return the definition of a field of an object type or an interface."""
        assert isinstance(self.definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode)  # noqa: S101 - see above
        return (self.definition.fields or ())[self.positions[name]]

    @classmethod
    def of(cls, definition: TypeDefinitionNode, join: JoinVocabulary) -> JoinedType:
        """Read the join directives of a type and of its fields."""
        directives = definition.directives
        joins: dict[str, list[JoinType]] = {}
        for entry in join.types(directives):
            joins.setdefault(entry.graph, []).append(entry)
        interfaces: dict[str, list[str]] = {}
        for graph, interface in join.interfaces(directives):
            interfaces.setdefault(graph, []).append(interface)
        fields: Sequence[FieldDefinitionNode] = ()
        input_fields: Sequence[InputValueDefinitionNode] = ()
        if isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            fields = definition.fields or ()
        elif isinstance(definition, InputObjectTypeDefinitionNode):
            input_fields = definition.fields or ()
        return cls(
            definition,
            joins,
            join.owners(directives),
            join.contexts(directives),
            interfaces,
            FieldsBySubgraph.of(fields, join),
            FieldsBySubgraph.of(input_fields, join),
            {field.name.value: position for position, field in enumerate(fields)},
        )
