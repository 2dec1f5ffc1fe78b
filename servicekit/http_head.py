"""Checks the head of a request: version, form of the target, `Host`, framing, and fields that may occur only once.

The parser (llhttp) refuses what cannot be parsed: a second Content-Length, Content-Length beside Transfer-Encoding,
folded lines, bare line feeds, control characters, white space before a colon. This module refuses heads that can be
parsed, but that a proxy and this server could interpret differently (RFC 9112 §11.2, request smuggling).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

Fields = list[tuple[bytes, bytes]]
"""Pairs of a name in lower case and a value without white space around it."""

VERSIONS = frozenset({"1.0", "1.1"})
# Matches `uri-host [ ":" port ]` (RFC 3986 §3.2). The host must not be empty (RFC 9110 §4.2.1).
_AUTHORITY = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]{0,5})?",
)
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
# These fields may occur only once (RFC 9110 §5.3). If a request contained two lines with the same field, a proxy could
# use the first line, and this server the second one.
SINGLE_FIELDS = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"origin",
        b"proxy-authorization",
        b"transfer-encoding",
    }
)


class HeadRefused(Exception):
    """The head is not a valid request. The message is a fixed text that contains nothing from the client."""


class Target(msgspec.Struct, frozen=True):
    """A request target: the path with the query, and the authority if the target is an absolute URI."""

    path_and_query: bytes
    authority: bytes | None


def parse_target(method: str, target: bytes) -> Target:
    """Return a request target without scheme and authority (RFC 9112 §3.2).

    Raises:
        HeadRefused: the target has none of the forms that a server accepts for this method.
    """
    if method == "CONNECT":
        raise HeadRefused("CONNECT is not supported")
    if b"#" in target:
        raise HeadRefused("the request target has a fragment")
    if target.startswith(b"/") or (target == b"*" and method == "OPTIONS"):
        return Target(target, None)
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or _AUTHORITY.fullmatch(absolute[1]) is None:
        raise HeadRefused("the request target is neither a path nor an http URI")
    rest = absolute[2]
    return Target(rest if rest.startswith(b"/") else b"/" + rest, absolute[1])


def check_fields(version: str, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Check the fields that may occur only once.

    Return the header line that determines the length of the body, or an empty line if there is no body.

    Raises:
        HeadRefused: the fields are not valid for this version of HTTP.
    """
    if version not in VERSIONS:
        raise HeadRefused("the version of HTTP is not 1.0 or 1.1")
    seen: set[bytes] = set()
    framing = b""
    for name, value in fields:
        if name not in SINGLE_FIELDS:
            continue
        if name in seen:
            raise HeadRefused(f"{name.decode().title()} is given twice")
        seen.add(name)
        if name == b"host" and _AUTHORITY.fullmatch(value) is None:
            raise HeadRefused("Host is not valid")
        if name == b"content-length" and value.strip(b"0"):
            framing = name + b": " + value
        if name == b"transfer-encoding":
            # The parser knows only the coding `chunked`, and HTTP/1.0 has no transfer codings (RFC 9112 §6.1).
            if value.lower() != b"chunked" or version != "1.1":
                raise HeadRefused("Transfer-Encoding is not valid")
            framing = name + b": " + value
    if b"host" not in seen and version == "1.1":
        raise HeadRefused("Host is missing")
    return framing


def with_authority(fields: Fields, authority: bytes) -> None:
    """Return the fields with `Host` replaced by the authority of the request's absolute URI (RFC 9112 §3.2.2)."""
    fields[:] = [(b"host", authority), *(field for field in fields if field[0] != b"host")]
