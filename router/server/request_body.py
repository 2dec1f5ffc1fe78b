"""Reads the body of a request, limited in size and time, and decodes the JSON in a body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from router import json_codec
from router.server.http_refusals import HttpRefusal
from servicekit.time_limit import TimeLimit

if TYPE_CHECKING:
    from servicekit.asgi import Receive

# After a refusal, the client still sends the rest of the body. The server does not read the rest, so the connection
# cannot be used for another request and is closed.
_CLOSE = ((b"connection", b"close"),)


class ClientGone(Exception):
    """The client closed the connection before the response was complete."""


class BodyLimits(msgspec.Struct, frozen=True):
    """The maximum size of a body in bytes, and the time on the event loop's clock when it must be complete."""

    size: int
    deadline: float


async def read_body(receive: Receive, declared_length: str | None, limits: BodyLimits) -> bytes:
    """Return the whole body. If the body exceeds the size limit, the rest of the body is not read.

    Raises:
        HttpRefusal: The body is too large, or not complete in time.
        ClientGone: The client closed the connection before the body was complete.
    """
    if declared_length is not None and declared_length.isdecimal() and int(declared_length) > limits.size:
        raise _too_large(limits.size)
    try:
        with TimeLimit(limits.deadline):
            return await _read(receive, limits.size)
    except TimeoutError as error:
        raise HttpRefusal("REQUEST_TIMEOUT", "The body did not arrive in time.", headers=_CLOSE) from error


async def _read(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large(limit: int) -> HttpRefusal:
    return HttpRefusal("PAYLOAD_TOO_LARGE", f"A body has at most {limit} bytes.", headers=_CLOSE)


def decode_json(body: bytes) -> object:
    """Return the JSON value in a body. Raises `HttpRefusal` if the body is not JSON."""
    try:
        return json_codec.decode(body)
    except ValueError as error:
        raise HttpRefusal("BAD_REQUEST", "The body is not JSON in UTF-8.") from error
