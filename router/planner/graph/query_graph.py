"""The query graph: vertices are (subgraph, type, `@provides` scope), edges are computed on demand (planning §2).

It answers three questions: whether a subgraph resolves a field of a type, and to which vertex that leads (`field`);
into which subgraphs the keys of a type lead (`entries`); which object types a type can be (`possible`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    is_abstract_type,
)

from router.federation.type_references import named_type
from router.planner.graph.provides_scopes import NOTHING, Scope, provided_scope, scope_of

if TYPE_CHECKING:
    from graphql import SelectionSetNode

    from router.supergraph.model import ContextArgument, EntityKey, SubgraphType, Supergraph


@dataclass(frozen=True, slots=True)
class FieldEdge:
    """A field that a subgraph resolves; `requires` and `contexts` are inputs that must be fetched from elsewhere."""

    target: str
    scope: Scope
    requires: SelectionSetNode | None = None
    contexts: tuple[ContextArgument, ...] = ()

    @property
    def needs_no_inputs(self) -> bool:
        """Whether it needs no inputs from elsewhere."""
        return self.requires is None and not self.contexts


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry into a subgraph by `_entities`: the type that the object has there, and the keys that it accepts.

    `type_name` is an interface's name where the subgraph knows the object by an interface object.
    """

    subgraph: str
    type_name: str
    keys: tuple[EntityKey, ...]
    is_interface_object: bool


class QueryGraph:
    """The graph of a supergraph while some of its override labels hold (planning §3.21)."""

    def __init__(self, supergraph: Supergraph, override_labels: frozenset[str] = frozenset()) -> None:
        self.supergraph = supergraph
        self._schema = supergraph.schema
        self._subgraphs = supergraph.subgraphs
        self._labels = override_labels
        self._possible: dict[str, frozenset[str]] = {}
        self._abstract = frozenset(name for name, type_ in self._schema.type_map.items() if is_abstract_type(type_))
        self._entries: dict[str, tuple[Entry, ...]] = {}
        self._requiring: dict[tuple[str, str], tuple[tuple[Entry, FieldEdge], ...]] = {}
        self._carriers: dict[str, set[str]] = {}
        for subgraph in supergraph.subgraphs.values():
            for definition in subgraph.types.values():
                for context in definition.contexts:
                    self._carriers.setdefault(context, set()).update({definition.name}, definition.possible)
        self._edges: dict[tuple[str, str, str, Scope], FieldEdge | None] = {}

    @property
    def subgraph_names(self) -> tuple[str, ...]:
        """The names of all subgraphs, in the order of the supergraph."""
        return tuple(self._subgraphs)

    def type_in(self, subgraph: str, type_name: str) -> SubgraphType | None:
        """The type in a subgraph, None if the subgraph does not have it."""
        return self._subgraphs[subgraph].types.get(type_name)

    def possible(self, type_name: str) -> frozenset[str]:
        """The object types of a type in the supergraph."""
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
        """The object types of a type in a subgraph."""
        definition = self.type_in(subgraph, type_name)
        return frozenset() if definition is None else definition.possible

    def is_abstract(self, type_name: str) -> bool:
        """Whether the type is an interface or union in the supergraph."""
        return type_name in self._abstract

    def is_abstract_in(self, subgraph: str, type_name: str) -> bool:
        """Whether the type is an interface or union in a subgraph."""
        definition = self.type_in(subgraph, type_name)
        return definition is not None and definition.kind != "object"

    def is_interface_object(self, subgraph: str, type_name: str) -> bool:
        """Whether the type is an interface object in a subgraph."""
        definition = self.type_in(subgraph, type_name)
        return definition is not None and definition.is_interface_object

    def has_context(self, type_name: str, context: str) -> bool:
        """Whether the type carries a context (named as in the supergraph), its own or of an interface or union.

        An abstract type carries what each of its object types does.
        """
        carriers, possible = self._carriers.get(context, set()), self.possible(type_name)
        return type_name in carriers or (bool(possible) and possible <= carriers)

    def field(self, subgraph: str, type_name: str, name: str, scope: Scope = NOTHING) -> FieldEdge | None:
        """The edge of a field; None if the subgraph does not resolve it on all possible types of the type."""
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
        # What every implementation provides is provided whichever it is.
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
        """The entries into subgraphs for an object of this type, in the order of the subgraphs."""
        found = self._entries.get(type_name)
        if found is None:
            found = self._entries[type_name] = tuple(
                entry for subgraph in self._subgraphs if (entry := self._entry(subgraph, type_name)) is not None
            )
        return found

    def requiring(self, type_name: str, name: str) -> tuple[tuple[Entry, FieldEdge], ...]:
        """The entries into subgraphs that resolve a field of the type with inputs from elsewhere, with its edge."""
        key = (type_name, name)
        found = self._requiring.get(key)
        if found is None:
            edges = [(entry, self.field(entry.subgraph, entry.type_name, name)) for entry in self.entries(type_name)]
            found = tuple((entry, edge) for entry, edge in edges if edge is not None and not edge.needs_no_inputs)
            self._requiring[key] = found
        return found

    def _entry(self, subgraph: str, type_name: str) -> Entry | None:
        for candidate in (type_name, *self._interface_names(type_name)):
            definition = self.type_in(subgraph, candidate)
            if definition is None or (candidate != type_name and not definition.is_interface_object):
                continue
            keys = tuple(key for key in definition.keys if key.resolvable)
            # An interface of which a subgraph has no type is no entity there.
            if keys and definition.possible:
                return Entry(subgraph, candidate, keys, definition.is_interface_object)
        return None

    def _interface_names(self, type_name: str) -> list[str]:
        definition = self._schema.type_map.get(type_name)
        if isinstance(definition, GraphQLObjectType | GraphQLInterfaceType):
            return [interface.name for interface in definition.interfaces]
        return []
