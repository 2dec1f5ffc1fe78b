"""A supergraph and its subgraphs as data, as the supergraph SDL declares them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from router.supergraph.executable_subgraph_schema import executable_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DefinitionNode, GraphQLSchema, SelectionSetNode, TypeNode

CompositeKind: TypeAlias = Literal["object", "interface", "union"]


@dataclass(frozen=True, slots=True)
class EntityKey:
    """One `@key`. A subgraph whose key is not `resolvable` has the fields, but `_entities` does not accept it."""

    fields: SelectionSetNode
    resolvable: bool = True


@dataclass(frozen=True, slots=True)
class OverrideLabel:
    """A progressive `@override`: this subgraph resolves the field only when the label has the value `when`."""

    label: str
    when: bool


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """An argument whose value the router takes from an ancestor object (`@fromContext`).

    `context` is the name in `@context` on the ancestor's type. `selection` selects the value, of the type `type`, on
    the ancestor.
    """

    name: str
    type: str
    context: str
    selection: SelectionSetNode


@dataclass(frozen=True, slots=True)
class SubgraphField:
    """A field in one subgraph. Its `type` can differ between subgraphs.

    The subgraph does not resolve an `external` field: it is `@external`, or another subgraph overrides it and it stays
    only because an interface requires it.
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
    """A composite type in one subgraph.

    `possible` are the possible types of this type in this subgraph. For an interface object it is the type itself, in
    place of the implementations, which the subgraph does not have.
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
    """One subgraph: its composite types with the data of their join directives, and its schema."""

    name: str
    url: str
    types: Mapping[str, SubgraphType]
    definitions: tuple[DefinitionNode, ...] = field(repr=False)

    @cached_property
    def schema(self) -> GraphQLSchema:
        """The schema that requests to this subgraph are valid against, with `_entities` where it has entities."""
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
        return executable_schema(self.definitions, sorted({*entities, *interfaces}))


@dataclass(frozen=True, eq=False)
class Supergraph:
    """A supergraph as the router works with it.

    Attributes:
        sdl: The supergraph SDL.
        schema: The merged schema with `@inaccessible` elements, without definitions of linked specifications.
        api_schema: The schema for clients.
        subgraphs: By subgraph name, in the order of the supergraph.
        restrictions: The linked directives that restrict access (`authenticated`, `requiresScopes`, `policy`).
    """

    sdl: str = field(repr=False)
    schema: GraphQLSchema
    api_schema: GraphQLSchema
    subgraphs: Mapping[str, SubgraphModel]
    restrictions: tuple[str, ...] = ()
