"""Translates between the client's response keys and the router's internal response keys.

The router reads the type of an object in the merged response from the key `__typename`. If the client gives this key to
another field, the router fetches that field under a key with one underscore more. A field with the client's key
`___typename` then also has one underscore more, and so on.

    { title { __typename: name  ___typename: isbn } }    is fetched as    ___typename: name  ____typename: isbn
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from router.federation.type_references import TYPENAME

if TYPE_CHECKING:
    from graphql import FieldNode

_LIKE_TYPENAME: Final = re.compile(rf"_*{TYPENAME}")


def client_key(node: FieldNode) -> str:
    """Return the client's key of a field (GraphQL specification, "Response Keys")."""
    return node.name.value if node.alias is None else node.alias.value


def internal_key(node: FieldNode) -> str:
    """Return the key of the field in fetches and in the merged response."""
    key = client_key(node)
    # A short way for nearly all keys: planning calls this several times for every field.
    if not key.startswith("_"):
        return key
    return key if node.name.value == TYPENAME == key else key_beside_typename(key)


def key_beside_typename(key: str) -> str:
    """Return the internal key of a field that is not `__typename` and has `key` in the client's response."""
    return f"_{key}" if key.endswith(TYPENAME) and _LIKE_TYPENAME.fullmatch(key) else key


def to_client_key(segment: str | int) -> str | int:
    """Translate a segment of a response path: the router's internal key becomes the client's key."""
    is_internal = isinstance(segment, str) and segment != TYPENAME and _LIKE_TYPENAME.fullmatch(segment) is not None
    return segment[1:] if isinstance(segment, str) and is_internal else segment
