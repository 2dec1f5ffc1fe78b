"""The data model of a supergraph and its subgraphs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from router.supergraph import schema_facts
from router.supergraph.executable_subgraph_schema import executable_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from graphql import DefinitionNode, GraphQLSchema, SelectionSetNode, TypeNode

    from router.supergraph.schema_facts import SchemaFacts

CompositeKind: TypeAlias = Literal["object", "interface", "union"]


class EntityKey(msgspec.Struct, frozen=True):
    """One `@key`. If `resolvable` is False, the subgraph has the key fields, but its `_entities` rejects the key."""

    fields: SelectionSetNode
    resolvable: bool = True


class OverrideLabel(msgspec.Struct, frozen=True):
    """The label of a progressive `@override` on a field.

    If `when` is True, the subgraph resolves the field only while the label is active. If `when` is False, the subgraph
    resolves the field only while the label is not active.
    """

    label: str
    when: bool


class ContextArgument(msgspec.Struct, frozen=True):
    """An argument whose value the router takes from an ancestor object (`@fromContext`).

    The type of the ancestor has a `@context` with the name `context`. `selection` selects the value on the ancestor.
    `name` and `type` are the name and the type of the argument.
    """

    name: str
    type: str
    context: str
    selection: SelectionSetNode


class SubgraphField(msgspec.Struct, frozen=True):
    """A field in one subgraph. The field can have another type in other subgraphs.

    If `external` is True, the subgraph does not resolve the field: the field is `@external`, or another subgraph
    overrides the field. An overridden field stays in this subgraph if a field set or an interface uses the field.
    """

    name: str
    type: TypeNode
    external: bool = False
    requires: SelectionSetNode | None = None
    provides: SelectionSetNode | None = None
    label: OverrideLabel | None = None
    context_arguments: tuple[ContextArgument, ...] = ()


class SubgraphType(msgspec.Struct, frozen=True):
    """An object type, interface or union in one subgraph.

    `possible` are the names of the object types that this type can be in this subgraph. For an `@interfaceObject` type,
    that is only the type itself, because the subgraph does not have the implementations of the interface.
    """

    name: str
    kind: CompositeKind
    fields: Mapping[str, SubgraphField]
    possible: frozenset[str]
    keys: tuple[EntityKey, ...] = ()
    is_interface_object: bool = False
    contexts: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class SubgraphModel:
    """One subgraph of a supergraph.

    `types` are its object types, interfaces and unions, with the data of their join directives. `define` returns the
    definitions of all its types and of the executable directives. Many subgraphs are never asked for them, so they are
    made when they are needed.
    """

    name: str
    url: str
    types: Mapping[str, SubgraphType]
    define: Callable[[], Sequence[DefinitionNode]] = field(repr=False)

    @cached_property
    def schema(self) -> GraphQLSchema:
        """The schema for requests to this subgraph. It has the field `_entities` if the subgraph has entities."""
        entities = sorted(
            name
            for name, definition in self.types.items()
            if definition.kind == "object" and any(key.resolvable for key in definition.keys)
        )
        interfaces = {
            possible
            for definition in self.types.values()
            if definition.kind == "interface" and any(key.resolvable for key in definition.keys)
            for possible in definition.possible
        }
        return executable_schema(self.define(), sorted({*entities, *interfaces}))


@dataclass(frozen=True, eq=False)
class Supergraph:
    """A loaded supergraph.

    Attributes:
        sdl: The supergraph SDL.
        schema: The merged schema. It has `@inaccessible` elements, but no definitions of linked specifications.
        api_schema: The schema for clients: the merged schema without `@inaccessible` elements.
        subgraphs: The subgraphs by name, in the order of the enum `join__Graph`.
        restrictions: The names that the directives `authenticated`, `requiresScopes` and `policy` have in the schema.
            Only the directives that the supergraph links are in this mapping.
        list_size_directive: The name that `@listSize` has in the schema. None if the supergraph does not link the cost
            specification.
        cost_directive: The name that `@cost` has in the schema; None in the same case.
        known_facts: The facts about all types, if they are known without visiting the types.
    """

    sdl: str = field(repr=False)
    schema: GraphQLSchema
    api_schema: GraphQLSchema
    subgraphs: Mapping[str, SubgraphModel]
    restrictions: Mapping[str, str] = field(default_factory=dict)
    list_size_directive: str | None = None
    cost_directive: str | None = None
    known_facts: SchemaFacts | None = field(default=None, repr=False)

    def facts(self) -> SchemaFacts:
        """Return the facts about all types. This visits the types, unless the facts are known."""
        return schema_facts.SchemaFacts(
            override_labels=self.override_labels,
            interface_objects=self.interface_objects,
            names=self.names,
            names_by_tag=dict(self.names_by_tag),
            applied_restrictions=self.applied_restrictions,
            context_carriers=dict(self.context_carriers),
        )

    @cached_property
    def override_labels(self) -> frozenset[str]:
        """The labels of all progressive `@override` directives."""
        if self.known_facts is not None:
            return self.known_facts.override_labels
        fields = (field for type_ in self._subgraph_types() for field in type_.fields.values())
        return frozenset(field.label.label for field in fields if field.label is not None)

    @cached_property
    def interface_objects(self) -> frozenset[str]:
        """The names of the interfaces that are an `@interfaceObject` in at least one subgraph."""
        if self.known_facts is not None:
            return self.known_facts.interface_objects
        return frozenset(type_.name for type_ in self._subgraph_types() if type_.is_interface_object)

    @cached_property
    def applied_restrictions(self) -> frozenset[str]:
        """The directives in `restrictions` on types and fields of the merged schema, as texts without repetition."""
        if self.known_facts is not None:
            return self.known_facts.applied_restrictions
        return schema_facts.applied_directives(self.schema, self.restrictions.values())

    @cached_property
    def context_carriers(self) -> Mapping[str, frozenset[str]]:
        """For each context, the types that have its `@context` in a subgraph, and their object types there."""
        if self.known_facts is not None:
            return self.known_facts.context_carriers
        carriers: dict[str, set[str]] = {}
        for type_ in self._subgraph_types():
            for context in type_.contexts:
                carriers.setdefault(context, set()).update({type_.name}, type_.possible)
        return {context: frozenset(names) for context, names in carriers.items()}

    def _subgraph_types(self) -> Iterator[SubgraphType]:
        return (type_ for subgraph in self.subgraphs.values() for type_ in subgraph.types.values())

    @cached_property
    def names(self) -> frozenset[str]:
        """All names in the merged schema, except those of introspection."""
        known = self.known_facts
        return schema_facts.names_of_schema(self.schema) if known is None else known.names

    @cached_property
    def names_by_tag(self) -> Mapping[str, frozenset[str]]:
        """For each tag, the names of the fields and arguments of the API schema with the tag (`names_by_tag`)."""
        known = self.known_facts
        return schema_facts.names_by_tag(self.api_schema) if known is None else known.names_by_tag
