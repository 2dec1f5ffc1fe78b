"""Copy an argument without its location in the client's document.

A location refers to all tokens of the document. A cached plan with such a location would keep the tokens in memory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from graphql import ArgumentNode, ListValueNode, NameNode, ObjectFieldNode, ObjectValueNode, VariableNode

if TYPE_CHECKING:
    from graphql import ValueNode


def without_location(argument: ArgumentNode) -> ArgumentNode:
    """Return the argument without locations. Return the argument itself if it has no location."""
    if argument.loc is None:
        return argument
    return ArgumentNode(name=_name(argument.name), value=_value(argument.value))


def _value(value: ValueNode) -> ValueNode:
    match value:
        case VariableNode(name=name):
            return VariableNode(name=_name(name))
        case ListValueNode(values=values):
            return ListValueNode(values=tuple(_value(item) for item in values))
        case ObjectValueNode(fields=fields):
            return ObjectValueNode(
                fields=tuple(ObjectFieldNode(name=_name(entry.name), value=_value(entry.value)) for entry in fields)
            )
        case _:
            return replace(value, loc=None)


def _name(name: NameNode) -> NameNode:
    return NameNode(value=name.value)
