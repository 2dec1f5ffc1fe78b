"""The query graph: which fields each subgraph resolves, and by which keys it resolves entities (planning §2).

A vertex is a subgraph, a type, and a `@provides` scope (see `provides_scopes`). An edge is a field that the subgraph
resolves on the type. Edges are computed when they are first needed. The main methods of `QueryGraph`:

- `field` returns the edge of a field.
- `entries` returns the subgraphs that resolve an entity, each with its keys.
- `possible` returns the object types of a type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    is_abstract_type,
)
from msgspec.structs import replace

from router.federation.find_type_name_in_reference import named_type
from router.planner.graph.provides_scopes import NOTHING, Scope, provided_scope, scope_of
from router.planner.normalise.directives_sent_to_subgraphs import DirectiveReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import SelectionSetNode

    from router.supergraph.model import ContextArgument, EntityKey, SubgraphType, Supergraph


class FieldEdge(msgspec.Struct, frozen=True):
    """A field that a subgraph resolves.

    Attributes:
        target: The named type of the field.
        scope: The fields of the returned object that the subgraph resolves because of a `@provides`.
        requires: The selection of `@requires`, or None.
        contexts: The arguments with `@fromContext`.
    """

    target: str
    scope: Scope
    requires: SelectionSetNode | None = None
    contexts: tuple[ContextArgument, ...] = ()

    @property
    def needs_no_inputs(self) -> bool:
        """Whether the field has neither `@requires` nor `@fromContext` arguments."""
        return self.requires is None and not self.contexts


class Entry(msgspec.Struct, frozen=True):
    """A subgraph that resolves an entity by `_entities`. `keys` are the keys of the entity in this subgraph.

    `type_name` is the entity's type in this subgraph. If the subgraph knows the entity only as an `@interfaceObject`,
    `type_name` is the name of the interface.
    """

    subgraph: str
    type_name: str
    keys: tuple[EntityKey, ...]
    is_interface_object: bool


class QueryGraph:
    """The query graph of a supergraph.

    `override_labels` are the active override labels (planning §3.21). `directives` reads those directives of the client
    that are sent to subgraphs (planning §3.26).
    """

    def __init__(self, supergraph: Supergraph, override_labels: frozenset[str] = frozenset()) -> None:
        self.supergraph = supergraph
        self._schema = supergraph.schema
        self.directives = DirectiveReader(supergraph.schema.directives)
        self._subgraphs = supergraph.subgraphs
        self._labels = override_labels
        self._possible: dict[str, frozenset[str]] = {}
        self._abstract = frozenset(name for name, type_ in self._schema.type_map.items() if is_abstract_type(type_))
        self._entries: dict[str, tuple[Entry, ...]] = {}
        self._requiring: dict[tuple[str, str], tuple[tuple[Entry, FieldEdge], ...]] = {}
        self._edges: dict[tuple[str, str, str, Scope], FieldEdge | None] = {}

    @property
    def subgraph_names(self) -> tuple[str, ...]:
        """Return the names of all subgraphs, in the order of the supergraph."""
        return tuple(self._subgraphs)

    def type_in(self, subgraph: str, type_name: str) -> SubgraphType | None:
        """Return a subgraph's definition of a type. Return None if the subgraph does not define the type."""
        return self._subgraphs[subgraph].types.get(type_name)

    def possible(self, type_name: str) -> frozenset[str]:
        """Return the object types that an interface or union has in the supergraph.

        For an object type, the result has only this type.
        """
        found = self._possible.get(type_name)
        if found is None:
            definition = self._schema.type_map.get(type_name)
            match definition:
                case GraphQLInterfaceType() | GraphQLUnionType():
                    found = frozenset(member.name for member in self._schema.get_possible_types(definition))
                case GraphQLObjectType():
                    found = frozenset({type_name})
                case _:
                    found = frozenset()
            self._possible[type_name] = found
        return found

    def possible_in(self, subgraph: str, type_name: str) -> frozenset[str]:
        """Return the object types that a type has in a subgraph.

        If the subgraph does not define the type, the result is empty.
        """
        definition = self.type_in(subgraph, type_name)
        return frozenset() if definition is None else definition.possible

    def is_abstract(self, type_name: str) -> bool:
        """Return whether the type is an interface or union in the supergraph."""
        return type_name in self._abstract

    def is_abstract_in(self, subgraph: str, type_name: str) -> bool:
        """Return whether the type is an interface or union in a subgraph."""
        definition = self.type_in(subgraph, type_name)
        return definition is not None and definition.kind != "object"

    def is_interface_object(self, subgraph: str, type_name: str) -> bool:
        """Return whether the type is an `@interfaceObject` in a subgraph."""
        definition = self.type_in(subgraph, type_name)
        return definition is not None and definition.is_interface_object

    def has_context(self, type_name: str, context: str) -> bool:
        """Return whether every object of the type sets the context. `context` is its name in the supergraph.

        A type sets a context if the type itself, one of its interfaces, or a union with the type has the `@context`. An
        interface or union also sets a context if each of its object types sets the context.
        """
        carriers = self.supergraph.context_carriers.get(context, frozenset())
        possible = self.possible(type_name)
        return type_name in carriers or (bool(possible) and possible <= carriers)

    def field(self, subgraph: str, type_name: str, name: str, scope: Scope = NOTHING) -> FieldEdge | None:
        """Return the edge of the field `name` of the type `type_name` in a subgraph.

        Return None if the subgraph does not resolve the field for every object type of `type_name`.
        """
        key = (subgraph, type_name, name, scope)
        if key not in self._edges:
            self._edges[key] = self._field(*key)
        return self._edges[key]

    def _field(self, subgraph: str, type_name: str, name: str, scope: Scope) -> FieldEdge | None:
        definition = self.type_in(subgraph, type_name)
        if definition is None or definition.kind == "union":
            return None
        edge = self._own_field(definition, name, scope)
        if edge is None or definition.kind == "object":
            return edge
        implementations = [self.field(subgraph, possible, name, scope) for possible in sorted(definition.possible)]
        scopes: list[Scope] = []
        for implementation in implementations:
            if implementation is None or not implementation.needs_no_inputs:
                return None
            scopes.append(implementation.scope)
        # A subfield is provided on the interface only if it is provided on every implementing type.
        shared = [entry for entry in scopes[0] if all(entry in other for other in scopes)] if scopes else []
        return replace(edge, scope=(*edge.scope, *shared))

    def _own_field(self, definition: SubgraphType, name: str, scope: Scope) -> FieldEdge | None:
        field = definition.fields.get(name)
        if field is None:
            return None
        if field.label is not None and (field.label.label in self._labels) != field.label.when:
            return None
        provided = provided_scope(scope, name, definition.possible)
        if provided is None and field.external:
            return None
        below = provided or NOTHING
        if field.provides is not None:
            below = (*below, *scope_of(field.provides, self.possible))
        target = named_type(field.type)
        if provided is not None:
            return FieldEdge(target, below)
        return FieldEdge(target, below, field.requires, field.context_arguments)

    def entries(self, type_name: str) -> tuple[Entry, ...]:
        """Return the subgraphs that resolve an entity of this type, in the order of the supergraph.

        If several interfaces of the type are `@interfaceObject` types in a subgraph, the subgraph has an entry for each
        of these interfaces.
        """
        found = self._entries.get(type_name)
        if found is None:
            found = self._entries[type_name] = tuple(
                entry for subgraph in self._subgraphs for entry in self._entries_in(subgraph, type_name)
            )
        return found

    def requiring(self, type_name: str, name: str) -> tuple[tuple[Entry, FieldEdge], ...]:
        """Return the subgraphs in which a field of an entity has `@requires` or `@fromContext` arguments.

        Each of the subgraphs is returned as an `Entry`, with the edge of the field in this subgraph.
        """
        key = (type_name, name)
        found = self._requiring.get(key)
        if found is None:
            edges = [(entry, self.field(entry.subgraph, entry.type_name, name)) for entry in self.entries(type_name)]
            found = tuple((entry, edge) for entry, edge in edges if edge is not None and not edge.needs_no_inputs)
            self._requiring[key] = found
        return found

    def _entries_in(self, subgraph: str, type_name: str) -> Iterator[Entry]:
        for candidate in (type_name, *self._interface_names(type_name)):
            definition = self.type_in(subgraph, candidate)
            if definition is None or (candidate != type_name and not definition.is_interface_object):
                continue
            keys = tuple(key for key in definition.keys if key.resolvable)
            # If an interface has no object types in the subgraph, `_entities` returns no objects of this interface.
            if keys and definition.possible:
                yield Entry(subgraph, candidate, keys, definition.is_interface_object)
                if candidate == type_name:
                    return

    def _interface_names(self, type_name: str) -> list[str]:
        definition = self._schema.type_map.get(type_name)
        if isinstance(definition, GraphQLObjectType | GraphQLInterfaceType):
            return [interface.name for interface in definition.interfaces]
        return []
