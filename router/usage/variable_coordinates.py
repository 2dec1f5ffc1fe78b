"""Finds what the values of variables use: the input fields that are present, and the enum values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    type_from_ast,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLInputType, GraphQLSchema, OperationDefinitionNode

InputVariables = tuple[tuple[str, "GraphQLInputType"], ...]
"""The name and type of each variable of an input object type or enum. Only such variables can use coordinates."""


def input_variables(schema: GraphQLSchema, definition: OperationDefinitionNode) -> InputVariables:
    """Return the variables of input object types and enums."""
    found = []
    for variable in definition.variable_definitions or ():
        type_ = type_from_ast(schema, variable.type)
        if isinstance(get_named_type(type_), GraphQLInputObjectType | GraphQLEnumType):
            found.append((variable.variable.name.value, type_))
    return tuple(found)  # type: ignore[arg-type]  # the operation is valid, so its variables have input types


def variable_coordinates(variables: InputVariables, values: Mapping[str, object]) -> set[str]:
    """Return the coordinates that values use: input fields, enum values, and the input types of their objects.

    The values need not be valid. A value that does not fit its type uses nothing.
    """
    found: set[str] = set()
    # Values can nest as deeply as JSON does, so the walk has its own stack.
    waiting = [(type_, values[name]) for name, type_ in variables if name in values]
    while waiting:
        type_, value = waiting.pop()
        while isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if isinstance(type_, GraphQLList):
            items = value if isinstance(value, list) else [value]
            waiting += [(type_.of_type, item) for item in items]
        elif isinstance(type_, GraphQLEnumType):
            if isinstance(value, str) and value in type_.values:
                found.update((type_.name, f"{type_.name}.{value}"))
        elif isinstance(type_, GraphQLInputObjectType) and isinstance(value, dict):
            found.add(type_.name)
            for name in value.keys() & type_.fields.keys():
                found.add(f"{type_.name}.{name}")
                waiting.append((type_.fields[name].type, value[name]))
    return found
