"""Conditional requests with entity tags, which are hashes of bodies (RFC 9110 §8.8.3 and §13.1)."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

ANY: Final = "*"
# The length of a tag. With 128 bits, two bodies never have the same tag, and the header is short.
_TAG_BYTES: Final = 16
_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def entity_tag(body: bytes) -> str:
    """Return the strong entity tag of a body, with quotes."""
    digest = hashlib.sha256(body).digest()[:_TAG_BYTES]
    return f'"{base64.urlsafe_b64encode(digest).rstrip(b"=").decode()}"'


def if_match(header: str, tag: str) -> bool:
    """Whether a current body with this tag meets the condition If-Match. Weak tags never match (RFC 9110 §13.1.1)."""
    return header.strip() == ANY or tag in {quoted for weak, quoted in _TAG.findall(header) if not weak}


def if_none_match(header: str, tag: str) -> bool:
    """Whether the condition If-None-Match is met: the client does not have the body with this tag.

    Weak tags match, too (RFC 9110 §13.1.2).
    """
    return header.strip() != ANY and tag not in {quoted for _, quoted in _TAG.findall(header)}
