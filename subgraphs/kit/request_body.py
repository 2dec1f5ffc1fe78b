"""Reads the body of a request up to a size limit. Bodies with a content coding are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import Request


class BodyTooLarge(Exception):
    """The body of a request exceeds the limit."""


class CodedBody(Exception):
    """The body of a request has a content coding. It is refused because it could decode to gigabytes."""


async def read_body(request: Request, limit: int) -> bytes:
    """Return the whole body of a request.

    Raises:
        CodedBody: the header `Content-Encoding` names a coding.
        BodyTooLarge: the body has more than `limit` bytes; the rest is not read.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise CodedBody
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge
    return bytes(body)
