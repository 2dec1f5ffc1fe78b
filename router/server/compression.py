"""Compresses responses in the content coding that the client prefers.

Compression can reveal data (the BREACH attack): an attacker who chooses a part of the request and sees the size of the
compressed response can guess secrets in the response. Here only a client that may read the response can send the
request: CORS and CSRF checks stop pages of other sites from sending requests with a user's credentials.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from router.transport import content_codings

if TYPE_CHECKING:
    from router.settings.sections.compression import Compression

Headers = tuple[tuple[bytes, bytes], ...]

# Compressing this many bytes takes as long as a small request. Larger bodies would block the event loop too long.
IN_A_THREAD = 131_072


class ResponseCompression:
    """Compresses responses as configured. `vary` is `Accept-Encoding`, or empty if compression is off."""

    def __init__(self, settings: Compression) -> None:
        self._offered = settings.encodings if settings.enabled else ()
        self._minimum = settings.minimum_bytes
        self.vary = b"Accept-Encoding" if self._offered else b""

    async def apply(self, body: bytes, accept_encoding: str | None) -> tuple[bytes, Headers]:
        """Return the body to send, and its `Content-Encoding` header if the body is compressed."""
        if len(body) < self._minimum:
            return body, ()
        coding = content_codings.preferred_coding(accept_encoding, self._offered)
        if coding is None:
            return body, ()
        if len(body) < IN_A_THREAD:
            encoded = content_codings.encode(coding, body)
        else:
            encoded = await asyncio.to_thread(content_codings.encode, coding, body)
        return encoded, ((b"content-encoding", coding.encode()),)
