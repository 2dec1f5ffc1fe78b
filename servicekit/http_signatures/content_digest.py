"""The header `Content-Digest` (RFC 9530): a digest of the bytes of a body as they are sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HEADER: Final = "content-digest"
MAX_LENGTH: Final = 512
"""The longest value that is read. A value with a SHA-256 and a SHA-512 digest has 155 characters."""

# RFC 9530 §5: these two algorithms are "active". The others of its registry are insecure, and are ignored.
_ALGORITHMS: Final[Mapping[str, Callable[[bytes], hashlib._Hash]]] = MappingProxyType(
    {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
)
# A member of the dictionary: the name of an algorithm and a byte sequence (RFC 9651 §3.3.5).
_MEMBER: Final = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):")
_SEPARATOR: Final = re.compile(r"[ \t]*,[ \t]*")


def content_digest(body: bytes) -> str:
    """Return the value of the header for `body`, with a SHA-256 digest."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def is_digest_of(value: str, body: bytes) -> bool:
    """Return whether `value` is a digest of `body`.

    At least one member of `value` must have the algorithm SHA-256 or SHA-512, and each such member must be correct. A
    malformed value is not a digest of any body.
    """
    if len(value) > MAX_LENGTH:
        return False
    members = [_MEMBER.fullmatch(text) for text in _SEPARATOR.split(value)]
    known = [(_ALGORITHMS[each[1]], each[2]) for each in members if each is not None and each[1] in _ALGORITHMS]
    if not known or None in members:
        return False
    return all(
        hmac.compare_digest(base64.b64encode(algorithm(body).digest()).decode(), digest) for algorithm, digest in known
    )
