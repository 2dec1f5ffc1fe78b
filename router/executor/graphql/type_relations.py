"""Find the possible object types of a type, and whether one type is a subtype of another. Types are given by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import is_abstract_type, is_interface_type, is_object_type

if TYPE_CHECKING:
    from graphql import GraphQLSchema


def possible_names(schema: GraphQLSchema, name: str) -> list[str]:
    """Return the names of the possible object types of an interface or union `name`; for another type, only `name`."""
    type_ = schema.get_type(name)
    return [member.name for member in schema.get_possible_types(type_)] if is_abstract_type(type_) else [name]


def is_subtype(schema: GraphQLSchema, name: str, of: str) -> bool:
    """Return whether the type `name` is equal to `of`, implements the interface `of`, or is in the union `of`."""
    if name == of:
        return True
    sub, super_ = schema.get_type(name), schema.get_type(of)
    return (
        is_abstract_type(super_) and (is_object_type(sub) or is_interface_type(sub)) and schema.is_sub_type(super_, sub)
    )
