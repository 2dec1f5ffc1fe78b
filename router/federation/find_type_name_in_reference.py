"""Find the type name in a type reference: `User` in `[User!]`. Also defines the constant `TYPENAME`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import ListTypeNode, NamedTypeNode, NonNullTypeNode

if TYPE_CHECKING:
    from graphql import TypeNode

TYPENAME: Final = "__typename"


def named_type(node: TypeNode) -> str:
    """Return the type name without list and non-null wrappers: `User` for `[User!]!`."""
    while isinstance(node, ListTypeNode | NonNullTypeNode):
        node = node.type
    if not isinstance(node, NamedTypeNode):
        raise TypeError("a type reference names a type, a list or a non-null type")
    return node.name.value
