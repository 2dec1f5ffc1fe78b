"""Functions that read a type as the text writes it, such as `[Book!]!`: is it a list, and can its items be null?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import ListTypeNode, NonNullTypeNode

if TYPE_CHECKING:
    from graphql import TypeNode


def is_list(node: TypeNode) -> bool:
    """Return whether the type is a list."""
    inner = node.type if isinstance(node, NonNullTypeNode) else node
    return isinstance(inner, ListTypeNode)


def has_nullable_items(node: TypeNode) -> bool:
    """Return whether an item of the list, or of a list inside it, can be null."""
    inner = node.type if isinstance(node, NonNullTypeNode) else node
    if not isinstance(inner, ListTypeNode):
        return False
    return not isinstance(inner.type, NonNullTypeNode) or has_nullable_items(inner.type)
