"""Finds how operations can use each type of a schema: as input, as output, or beside other types in a response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
)

from router.supergraph.merged_and_api_schema import EXECUTABLE_LOCATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLArgument, GraphQLNamedType


@dataclass(frozen=True, slots=True)
class TypePositions:
    """Where a schema uses its types.

    Attributes:
        reachable: The types that an operation can use: all types that can be reached from the root types, and from the
            arguments of directives that are allowed in operations.
        inputs: The reachable types of arguments and input fields. An operation can contain values of these types.
        outputs: The reachable types of fields. A response can contain values of these types.
        beside_others: The reachable composite types that can share a place of the response with other composite types.
            At this place, an operation can select fields of several types, in fragments. All these fields that have the
            same response key must have the same type (GraphQL specification, "Field Selection Merging").
    """

    reachable: frozenset[str]
    inputs: frozenset[str]
    outputs: frozenset[str]
    beside_others: frozenset[str]

    @classmethod
    def of(cls, schema: GraphQLSchema) -> TypePositions:
        """Find which types of the schema are used as input, as output, and beside other types."""
        search = _Search(schema, set(), set(), set())
        for root in (schema.query_type, schema.mutation_type, schema.subscription_type):
            if root is not None:
                search.add_output(root)
        for directive in schema.directives:
            if not EXECUTABLE_LOCATIONS.isdisjoint(directive.locations):
                search.add_arguments(directive.args)
        return cls(
            frozenset(search.reachable),
            frozenset(search.inputs),
            frozenset(search.outputs),
            frozenset(_beside_others(schema, search.reachable)),
        )


@dataclass(frozen=True, slots=True)
class _Search:
    schema: GraphQLSchema
    reachable: set[str]
    inputs: set[str]
    outputs: set[str]

    def add_output(self, first: GraphQLNamedType) -> None:
        # The search uses a list instead of recursion, because types can be nested more deeply than Python's stack
        # allows.
        waiting = [first]
        while waiting:
            found = waiting.pop()
            if found.name in self.outputs:
                continue
            self.outputs.add(found.name)
            self.reachable.add(found.name)
            waiting += self._next_outputs(found)

    def add_arguments(self, arguments: dict[str, GraphQLArgument]) -> None:
        waiting = [get_named_type(argument.type) for argument in arguments.values()]
        while waiting:
            found = waiting.pop()
            if found.name in self.inputs:
                continue
            self.inputs.add(found.name)
            self.reachable.add(found.name)
            if isinstance(found, GraphQLInputObjectType):
                waiting += [get_named_type(field.type) for field in found.fields.values()]

    def _next_outputs(self, found: GraphQLNamedType) -> Iterator[GraphQLNamedType]:
        match found:
            case GraphQLObjectType() | GraphQLInterfaceType():
                for field in found.fields.values():
                    self.add_arguments(field.args)
                    yield get_named_type(field.type)
                yield from found.interfaces
                if isinstance(found, GraphQLInterfaceType):
                    implementations = self.schema.get_implementations(found)
                    yield from (*implementations.objects, *implementations.interfaces)
            case GraphQLUnionType():
                yield from found.types


def _beside_others(schema: GraphQLSchema, reachable: set[str]) -> Iterator[str]:
    """Yield the types that can share a place of a response with another type.

    `{ pet { ... on Cat { owner { name } } ... on Dog { owner { id } } } }` selects from `Cat` and `Dog` at one place.
    So the types of their fields share a place too. An interface shares its place with its implementations.
    """
    waiting: list[GraphQLNamedType] = []
    for name in reachable:
        found = schema.type_map[name]
        if isinstance(found, GraphQLInterfaceType):
            waiting += [found, *schema.get_possible_types(found)]
        elif isinstance(found, GraphQLUnionType) and len(found.types) > 1:
            waiting += found.types
    seen = set()
    while waiting:
        found = waiting.pop()
        if found.name in seen:
            continue
        seen.add(found.name)
        yield found.name
        match found:
            case GraphQLObjectType() | GraphQLInterfaceType():
                waiting += [
                    named for field in found.fields.values() if is_composite(named := get_named_type(field.type))
                ]
            case GraphQLUnionType():
                waiting += found.types


def is_own_type(found: GraphQLNamedType) -> bool:
    """Return whether the schema itself defines the type. GraphQL defines built-in scalars and introspection types."""
    return not is_introspection_type(found) and not is_specified_scalar_type(found)


def is_composite(found: GraphQLNamedType) -> bool:
    """Return whether an operation must select fields of the type: whether it is an object type, interface or union."""
    return isinstance(found, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)


def kind_of(found: GraphQLNamedType) -> str:
    """Return the keyword that declares types of this kind in SDL."""
    match found:
        case GraphQLObjectType():
            return "type"
        case GraphQLInterfaceType():
            return "interface"
        case GraphQLUnionType():
            return "union"
        case GraphQLEnumType():
            return "enum"
        case GraphQLInputObjectType():
            return "input"
        case _:
            return "scalar"
