"""Makes the head of a response from the status and the headers that an application has sent."""

from __future__ import annotations

import http
import re
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOT_A_NAME = re.compile(rb"[^!#$%&'*+.^_`|~0-9A-Za-z-]")
_NOT_A_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# Responses with these statuses have no body (RFC 9110 §6.4.1).
BODILESS: Final = frozenset({204, 304})


def _status_line(status: int) -> bytes:
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")


STATUS_LINES: Final = {status: _status_line(status) for status in range(100, 600)}


class ResponseFraming(msgspec.Struct, frozen=True):
    """How a response ends: after `content_length` bytes, after the last chunk, or with the connection."""

    lines: bytes
    content_length: int | None
    is_chunked: bool
    closes: bool


def framing_of(headers: Iterable[tuple[bytes, bytes]]) -> ResponseFraming:
    """Return the header lines of a response, and how they frame the body.

    Raises:
        RuntimeError: a name or a value is not valid. The message does not contain it, because the log does.
    """
    parts: list[bytes] = []
    content_length: int | None = None
    is_chunked = closes = False
    for given, value in headers:
        if _NOT_A_NAME.search(given) is not None or not given:
            raise RuntimeError("the name of a header of a response is not valid")
        if _NOT_A_VALUE.search(value) is not None:
            raise RuntimeError(f"the value of the header {given.decode('ascii')} of a response is not valid")
        name = given.lower()
        if name == b"content-length" and not is_chunked:
            content_length = int(value)
        elif name == b"transfer-encoding" and value.lower() == b"chunked":
            content_length, is_chunked = None, True
        elif name == b"connection":
            closes = closes or b"close" in [token.strip() for token in value.lower().split(b",")]
        parts += (name, b": ", value, b"\r\n")
    return ResponseFraming(b"".join(parts), content_length, is_chunked, closes)
