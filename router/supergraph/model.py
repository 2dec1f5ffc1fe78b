"""The data model of a supergraph and its subgraphs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from router.supergraph.executable_subgraph_schema import executable_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graphql import DefinitionNode, GraphQLSchema, SelectionSetNode, TypeNode

CompositeKind: TypeAlias = Literal["object", "interface", "union"]


@dataclass(frozen=True, slots=True)
class EntityKey:
    """One `@key`. If `resolvable` is False, the subgraph has the key fields, but its `_entities` rejects the key."""

    fields: SelectionSetNode
    resolvable: bool = True


@dataclass(frozen=True, slots=True)
class OverrideLabel:
    """The label of a progressive `@override` on a field.

    If `when` is True, the subgraph resolves the field only while the label is active. If `when` is False, the subgraph
    resolves the field only while the label is not active.
    """

    label: str
    when: bool


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """An argument whose value the router takes from an ancestor object (`@fromContext`).

    The type of the ancestor has a `@context` with the name `context`. `selection` selects the value on the ancestor.
    `name` and `type` are the name and the type of the argument.
    """

    name: str
    type: str
    context: str
    selection: SelectionSetNode


@dataclass(frozen=True, slots=True)
class SubgraphField:
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


@dataclass(frozen=True, slots=True)
class SubgraphType:
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
    """

    sdl: str = field(repr=False)
    schema: GraphQLSchema
    api_schema: GraphQLSchema
    subgraphs: Mapping[str, SubgraphModel]
    restrictions: Mapping[str, str] = field(default_factory=dict)
    list_size_directive: str | None = None
    cost_directive: str | None = None
