"""What a supergraph says about each of its subgraphs, free of any planning concern."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from router.supergraph.executable import executable_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DefinitionNode, GraphQLSchema, SelectionSetNode, TypeNode

OperationRoot: TypeAlias = Literal["query", "mutation", "subscription"]
CompositeKind: TypeAlias = Literal["object", "interface", "union"]


@dataclass(frozen=True, slots=True)
class EntityKey:
    """One `@key`. Not `resolvable` means: the subgraph knows the key but `_entities` does not take it."""

    fields: SelectionSetNode
    resolvable: bool = True


@dataclass(frozen=True, slots=True)
class OverrideLabel:
    """A progressive `@override`: this subgraph resolves the field only when the label's truth is `when`."""

    label: str
    when: bool


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """An argument the router fills from an ancestor (`@fromContext`).

    `context` is the name under which ancestor types are marked in this subgraph; `selection` is evaluated on the
    ancestor and yields the value of type `type`.
    """

    name: str
    type: str
    context: str
    selection: SelectionSetNode


@dataclass(frozen=True, slots=True)
class SubgraphField:
    """A field as one subgraph has it. `type` may differ from subgraph to subgraph.

    `external` fields are not resolved by the subgraph on its own (declared `@external`, or overridden elsewhere and
    kept for an interface's sake).
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
    """A composite type as one subgraph has it.

    `possible` are the object types a value of this type can have in this subgraph; for an interface object that is
    the type itself, which stands for implementations the subgraph does not know.
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
    """One subgraph: its composite types with their join metadata, and its schema as an executor sees it."""

    name: str
    url: str
    types: Mapping[str, SubgraphType]
    definitions: tuple[DefinitionNode, ...] = field(repr=False)

    @cached_property
    def schema(self) -> GraphQLSchema:
        """The schema requests to this subgraph must be valid against, `_entities` included where it has entities."""
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
    """A supergraph, taken apart.

    Attributes:
        sdl: the text it was loaded from.
        schema: all subgraphs merged, inaccessible elements included, without the machinery of `@link` and `@join__*`.
        api_schema: what clients see.
        subgraphs: by subgraph name, in the order of the supergraph.
        restrictions: linked directives that say who may read what (`authenticated`, `requiresScopes`, `policy`).
    """

    sdl: str = field(repr=False)
    schema: GraphQLSchema
    api_schema: GraphQLSchema
    subgraphs: Mapping[str, SubgraphModel]
    restrictions: tuple[str, ...] = ()
