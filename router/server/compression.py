"""Compresses responses in the content coding that the client prefers.

A compressed response holds a user's data and parts of the request. An attacker who chooses the request and observes the
size of the response can learn the data (BREACH). Here the client that chooses the request may read the response anyway:
CORS and CSRF checks keep pages of other sites from sending requests with a user's credentials.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from router.transport import content_codings

if TYPE_CHECKING:
    from router.settings.sections.compression import Compression

Headers = tuple[tuple[bytes, bytes], ...]

# Compressing this many bytes takes about as long as a small request; more is compressed in a thread.
IN_A_THREAD = 131_072


class ResponseCompression:
    """Compresses as `settings.compression` says; `vary` names the header on which responses depend, if any."""

    def __init__(self, settings: Compression) -> None:
        self._offered = settings.encodings if settings.enabled else ()
        self._minimum = settings.minimum_bytes
        self.vary = b"Accept-Encoding" if self._offered else b""

    async def apply(self, body: bytes, accept_encoding: str | None) -> tuple[bytes, Headers]:
        """The body as it is sent, and the headers that describe its coding."""
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
