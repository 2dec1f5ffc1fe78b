"""Builds the objects of GraphQL inputs, with what is known about their fields when the schema is made.

Strawberry finds out at each request how a field is called in GraphQL and what its type is. This takes much longer than
to build the object.
"""

from __future__ import annotations

from dataclasses import MISSING
from typing import TYPE_CHECKING, Any

from graphql import GraphQLInputObjectType, get_named_type, is_leaf_type, is_list_type
from graphql.type import get_nullable_type
from strawberry.types.base import StrawberryMaybe, StrawberryObjectDefinition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from strawberry.schema.config import StrawberryConfig
    from strawberry.schema.types.concrete_type import ConcreteType
    from strawberry.types.arguments import InputContext
    from strawberry.types.field import StrawberryField

# A relay id, which Strawberry converts further than its scalar does.
_CONVERTED_SCALAR = "GlobalID"


def prepare_inputs(types: Iterable[ConcreteType], config: StrawberryConfig) -> None:
    """Give each input type of a schema a function that builds its objects.

    Types that have such a function are left as they are, and so are types with a field whose value is wrapped
    (`strawberry.Maybe`).
    """
    for type_ in types:
        definition, implementation = type_.definition, type_.implementation
        if not isinstance(definition, StrawberryObjectDefinition) or not definition.is_input:
            continue
        is_wrapped = any(isinstance(_type_of(field, definition), StrawberryMaybe) for field in definition.fields)
        if definition.from_input is None and not is_wrapped and isinstance(implementation, GraphQLInputObjectType):
            definition.from_input = _builder(definition, implementation, config)


def _builder(
    definition: StrawberryObjectDefinition, implementation: GraphQLInputObjectType, config: StrawberryConfig
) -> Callable[[type, Mapping[str, Any], InputContext], Any]:
    names = {config.name_converter.from_field(field): field for field in definition.fields}
    leaves = [(name, field.python_name) for name, field in names.items() if _is_leaf(implementation, name)]
    others = [
        (name, field.python_name, _type_of(field, definition))
        for name, field in names.items()
        if not _is_leaf(implementation, name)
    ]

    # A field that is optional in GraphQL may lack a default in Python. Strawberry's default is then None.
    nothing = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def build(type_: type, given: Mapping[str, Any], context: InputContext) -> Any:
        arguments = {**nothing, **{python_name: given[name] for name, python_name in leaves if name in given}}
        for name, python_name, field_type in others:
            if name in given:
                arguments[python_name] = context.convert(given[name], field_type, name)
        return type_(**arguments)

    return build


def _is_leaf(implementation: GraphQLInputObjectType, name: str) -> bool:
    """Whether graphql-core has already converted the values of a field: those of scalars and enums."""
    type_ = get_nullable_type(implementation.fields[name].type)
    return not is_list_type(type_) and is_leaf_type(type_) and get_named_type(type_).name != _CONVERTED_SCALAR


def _type_of(field: StrawberryField, definition: StrawberryObjectDefinition) -> Any:
    return field.resolve_type(type_definition=definition)
