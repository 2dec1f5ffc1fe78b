"""Facts about all types of a schema, which the router needs when it starts.

Each function visits all types. A supergraph that is restored from the cache has the results without these visits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    StringValueNode,
    get_named_type,
    print_ast,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from graphql import FieldDefinitionNode, GraphQLNamedType, GraphQLSchema, TypeDefinitionNode

_NOTHING: Final[frozenset[str]] = frozenset()


class SchemaFacts(msgspec.Struct, frozen=True, array_like=True):
    """Facts about all types. Each one is an attribute of `Supergraph` with this name."""

    override_labels: frozenset[str]
    interface_objects: frozenset[str]
    names: frozenset[str]
    names_by_tag: dict[str, frozenset[str]]
    applied_restrictions: frozenset[str]
    context_carriers: dict[str, frozenset[str]]


def names_of_schema(schema: GraphQLSchema) -> frozenset[str]:
    """Return the names of all types, fields, arguments, enum values and directives, without the introspection types."""
    return frozenset(_names(schema))


def _names(schema: GraphQLSchema) -> Iterator[str]:
    for directive in schema.directives:
        yield directive.name
        yield from directive.args
    for name, type_ in schema.type_map.items():
        if name.startswith("__"):
            continue
        yield name
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in type_.fields.items():
                yield field_name
                yield from field.args
        elif isinstance(type_, GraphQLInputObjectType):
            yield from type_.fields
        elif isinstance(type_, GraphQLEnumType):
            yield from type_.values


def applied_directives(schema: GraphQLSchema, names: Collection[str]) -> frozenset[str]:
    """Return the directives with these names on all types, and on the fields of object types and interfaces, as texts.

    Example: `{'@policy(policies: [["staff"]])', "@authenticated"}`.
    """
    if not names:
        return _NOTHING
    return frozenset(
        print_ast(directive)
        for node in _nodes(schema)
        for directive in node.directives or ()
        if directive.name.value in names
    )


def _nodes(schema: GraphQLSchema) -> Iterator[TypeDefinitionNode | FieldDefinitionNode]:
    for type_ in schema.type_map.values():
        if type_.ast_node is None:
            continue
        yield type_.ast_node
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            yield from (field.ast_node for field in type_.fields.values() if field.ast_node is not None)


def tags_of(element: Any) -> frozenset[str]:
    """Return the tags of a type, field or argument (`@tag(name:)`)."""
    node = element.ast_node
    if node is None or not node.directives:
        return _NOTHING
    return frozenset(
        argument.value.value
        for directive in node.directives
        if directive.name.value.rpartition("__")[2] == "tag"
        for argument in directive.arguments or ()
        if isinstance(argument.value, StringValueNode)
    )


def names_by_tag(schema: GraphQLSchema) -> Mapping[str, frozenset[str]]:
    """Return, for each tag, the names of the fields and arguments that have the tag, or whose type has the tag."""
    found: dict[str, set[str]] = {}
    of_types = {name: tags_of(type_) for name, type_ in schema.type_map.items()}
    for type_ in schema.type_map.values():
        for name, element in _fields_and_arguments(type_):
            for tag in tags_of(element) | of_types[get_named_type(element.type).name]:
                found.setdefault(tag, set()).add(name)
    return {tag: frozenset(names) for tag, names in found.items()}


def _fields_and_arguments(type_: GraphQLNamedType) -> Iterator[tuple[str, Any]]:
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in type_.fields.items():
            yield name, field
            yield from field.args.items()
    elif isinstance(type_, GraphQLInputObjectType):
        yield from type_.fields.items()
