"""Reads the body of a request: JSON of limited size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rest_compat import negotiation
from rest_compat.errors import FieldError, PayloadTooLarge, UnsupportedMediaType, ValidationFailed

if TYPE_CHECKING:
    from starlette.requests import Request

# The size of the largest accepted body. The largest valid body has about 15 KB. It is a payment with the most metadata
# that is allowed, and each character is an escape sequence.
MAX_BODY_BYTES: Final = 65_536


async def read_json_body(request: Request) -> bytes:
    """Return the body. Reading ends as soon as the body is too large.

    Raises:
        UnsupportedMediaType: the body is not JSON.
        PayloadTooLarge: the body is too large.
        ValidationFailed: there is no body.
        ClientDisconnect: the client has left.
    """
    content_type = request.headers.get("content-type")
    if content_type is not None and not negotiation.is_json(content_type, request.headers.get("content-encoding")):
        raise UnsupportedMediaType
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            raise PayloadTooLarge
    if not content:
        raise ValidationFailed([FieldError(("body",), "REQUIRED", "is required")])
    if content_type is None:
        raise UnsupportedMediaType
    return bytes(content)
