"""Constant GraphQL values: build, compare and convert them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import (
    BooleanValueNode,
    ConstListValueNode,
    ConstValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    print_ast,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable


def string(text: str) -> StringValueNode:
    """A string value."""
    return StringValueNode(value=text, block=False)


def boolean(*, value: bool) -> BooleanValueNode:
    """A boolean value."""
    return BooleanValueNode(value=value)


def integer(value: int) -> IntValueNode:
    """An integer value."""
    return IntValueNode(value=str(value))


def enum_value(name: str) -> EnumValueNode:
    """An enum value."""
    return EnumValueNode(value=name)


def list_of(items: Iterable[ConstValueNode]) -> ConstListValueNode:
    """A list of values."""
    return ConstListValueNode(values=tuple(items))


def strings(texts: Iterable[str]) -> ConstListValueNode:
    """A list of strings."""
    return list_of(string(text) for text in texts)


def identity(node: ValueNode | None) -> Hashable:
    """A key that is equal for two values that mean the same, whatever the order of object fields."""
    match node:
        case None:
            return None
        case ListValueNode():
            return ("list", tuple(identity(item) for item in node.values))
        case ObjectValueNode():
            return ("object", frozenset((field.name.value, identity(field.value)) for field in node.fields))
        case IntValueNode() | FloatValueNode():
            return ("number", float(node.value))
        case StringValueNode() | BooleanValueNode() | EnumValueNode():
            return (node.kind, node.value)
        case _:
            return print_ast(node)


def python_value(node: ValueNode | None) -> object:
    """Strings, numbers, booleans, lists and dicts; the name of an enum value; None for null and absent."""
    match node:
        case ListValueNode():
            return [python_value(item) for item in node.values]
        case ObjectValueNode():
            return {field.name.value: python_value(field.value) for field in node.fields}
        case StringValueNode() | BooleanValueNode() | EnumValueNode():
            return node.value
        case IntValueNode():
            return int(node.value)
        case FloatValueNode():
            return float(node.value)
        case _:
            return None
