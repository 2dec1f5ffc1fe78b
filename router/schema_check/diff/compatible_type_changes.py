"""Decides whether a field or an input can change its type without making an operation invalid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLList, GraphQLNonNull, is_list_type, is_non_null_type

if TYPE_CHECKING:
    from graphql import GraphQLType


def is_narrower_output(old: GraphQLType, new: GraphQLType) -> bool:
    """Return whether every value of the type `new` is also a value of `old`: `Int!` is narrower than `Int`."""
    if isinstance(new, GraphQLNonNull):
        return is_narrower_output(old.of_type if isinstance(old, GraphQLNonNull) else old, new.of_type)
    if isinstance(old, GraphQLList) and isinstance(new, GraphQLList):
        return is_narrower_output(old.of_type, new.of_type)
    return _is_same_name(old, new)


def is_wider_input(old: GraphQLType, new: GraphQLType) -> bool:
    """Return whether every value and variable of type `old` is allowed for type `new`: `Int` is wider than `Int!`."""
    if isinstance(old, GraphQLNonNull):
        return is_wider_input(old.of_type, new.of_type if isinstance(new, GraphQLNonNull) else new)
    if isinstance(old, GraphQLList) and isinstance(new, GraphQLList):
        return is_wider_input(old.of_type, new.of_type)
    return _is_same_name(old, new)


def _is_same_name(old: GraphQLType, new: GraphQLType) -> bool:
    wrapped = any(is_list_type(each) or is_non_null_type(each) for each in (old, new))
    return not wrapped and str(old) == str(new)
