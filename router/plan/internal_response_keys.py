"""Response keys inside the router.

The router reads the type of an object in the merged response from its key `__typename`. If the client gives this key to
another field, that field is fetched under a key with one underscore more, and so are fields with the key it then has.

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
    """The client's key of a field (GraphQL specification, "Response Keys")."""
    return node.name.value if node.alias is None else node.alias.value


def internal_key(node: FieldNode) -> str:
    """The key under which the router fetches and keeps the field."""
    key = client_key(node)
    # Nearly all keys; planning needs the key of every field several times.
    if not key.startswith("_"):
        return key
    return key if node.name.value == TYPENAME == key else key_beside_typename(key)


def key_beside_typename(key: str) -> str:
    """The router's key of a field that is not `__typename` and has `key` in the client's response."""
    return f"_{key}" if key.endswith(TYPENAME) and _LIKE_TYPENAME.fullmatch(key) else key


def to_client_key(segment: str | int) -> str | int:
    """A segment of a path, with the client's key in place of the router's."""
    is_inner = isinstance(segment, str) and segment != TYPENAME and _LIKE_TYPENAME.fullmatch(segment) is not None
    return segment[1:] if isinstance(segment, str) and is_inner else segment
