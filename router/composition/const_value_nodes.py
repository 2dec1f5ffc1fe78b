"""Build, compare and convert syntax nodes of constant GraphQL values."""

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
    """Return the node of a string."""
    return StringValueNode(value=text, block=False)


def boolean(*, value: bool) -> BooleanValueNode:
    """Return the node of a boolean."""
    return BooleanValueNode(value=value)


def integer(value: int) -> IntValueNode:
    """Return the node of an integer."""
    return IntValueNode(value=str(value))


def enum_value(name: str) -> EnumValueNode:
    """Return the node of an enum value."""
    return EnumValueNode(value=name)


def list_of(items: Iterable[ConstValueNode]) -> ConstListValueNode:
    """Return the node of a list."""
    return ConstListValueNode(values=tuple(items))


def strings(texts: Iterable[str]) -> ConstListValueNode:
    """Return the node of a list of strings."""
    return list_of(string(text) for text in texts)


def identity(node: ValueNode | None) -> Hashable:
    """Return a hashable key for comparing values: equal values have equal keys. If `node` is None, return None.

    For example, `{a: 1, b: 2}` and `{b: 2.0, a: 1}` have equal keys.
    """
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
    """Convert the node to a Python value. An enum value becomes its name. The node of null becomes None."""
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
