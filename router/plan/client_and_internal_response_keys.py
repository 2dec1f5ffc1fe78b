"""Translates between the client's response keys and internal response keys.

The *client's response key* of a field is its key in the response to the client. The *internal response key* is its key
in fetches and in the merged response, from which the response to the client is built.

In the merged response, the key `__typename` always has the type of the object. If the client gives the key `__typename`
to another field, the internal key of that field has an additional underscore: `___typename`. The internal key for the
client's key `___typename` is then `____typename`, and so on. For all other fields, both keys are equal.

    { title { __typename: name  ___typename: isbn } }    is fetched as    ___typename: name  ____typename: isbn
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from graphql import FieldNode

_LIKE_TYPENAME: Final = re.compile(rf"_*{TYPENAME}")


def client_key(node: FieldNode) -> str:
    """Return the client's response key of a field: the alias, or else the name."""
    return node.name.value if node.alias is None else node.alias.value


def internal_key(node: FieldNode) -> str:
    """Return the internal response key of a field."""
    key = client_key(node)
    # Nearly all calls return here. This saves time, because planning calls this function several times for every field.
    if not key.startswith("_"):
        return key
    return key if node.name.value == TYPENAME == key else key_beside_typename(key)


def key_beside_typename(key: str) -> str:
    """Translate the client's response key `key` of a field other than `__typename` into the internal response key."""
    return f"_{key}" if key.endswith(TYPENAME) and _LIKE_TYPENAME.fullmatch(key) else key


def to_client_key(segment: str | int) -> str | int:
    """Translate a segment of a response path: an internal response key becomes the client's response key."""
    is_internal = isinstance(segment, str) and segment != TYPENAME and _LIKE_TYPENAME.fullmatch(segment) is not None
    return segment[1:] if isinstance(segment, str) and is_internal else segment
