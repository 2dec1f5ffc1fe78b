"""Response keys inside the router.

The objects of the merged response are told apart by their `__typename`, whatever the client calls by this name. Such a
field travels under a key with one underscore more, and so do those whose keys it would then meet.

    { title { __typename: name  ___typename: isbn } }    is fetched as    ___typename: name  ____typename: isbn
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from router.federation.type_names import TYPENAME

if TYPE_CHECKING:
    from graphql import FieldNode

_LIKE_TYPENAME: Final = re.compile(rf"_*{TYPENAME}")


def client_key(node: FieldNode) -> str:
    """The key the client gave the field: GraphQL specification, "Response Keys"."""
    return node.name.value if node.alias is None else node.alias.value


def inner_key(node: FieldNode) -> str:
    """The key under which the router fetches and keeps the field."""
    key = client_key(node)
    # Nearly all; planning asks for the key of every field several times.
    if not key.startswith("_"):
        return key
    return key if node.name.value == TYPENAME == key else beside_typename(key)


def beside_typename(key: str) -> str:
    """The router's key for a field that the client wants under `key`, and that is not the object's type."""
    return f"_{key}" if key.endswith(TYPENAME) and _LIKE_TYPENAME.fullmatch(key) else key


def as_client_says(segment: str | int) -> str | int:
    """A segment of a path, with the client's key for the router's."""
    is_inner = isinstance(segment, str) and segment != TYPENAME and _LIKE_TYPENAME.fullmatch(segment) is not None
    return segment[1:] if isinstance(segment, str) and is_inner else segment
