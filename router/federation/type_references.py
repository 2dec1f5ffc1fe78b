"""Names of types in GraphQL documents: the field `__typename`, and the type that a type reference names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import ListTypeNode, NamedTypeNode, NonNullTypeNode

if TYPE_CHECKING:
    from graphql import TypeNode

TYPENAME: Final = "__typename"


def named_type(node: TypeNode) -> str:
    """The name in a type reference, without its list and non-null wrappers."""
    while isinstance(node, ListTypeNode | NonNullTypeNode):
        node = node.type
    if not isinstance(node, NamedTypeNode):
        raise TypeError("a type reference names a type, a list or a non-null type")
    return node.name.value
