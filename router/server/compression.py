"""Answers in the content coding a client likes best, where that makes them smaller.

What is compressed holds both what a user may see and what a client sent; who can choose the one and watch the size of
the other learns from it (BREACH). Here the client that chooses is the one that may read the answer: CORS and CSRF
keep other sites' pages from sending requests with a user's credentials.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from router.transport import content_codings

if TYPE_CHECKING:
    from router.settings.sections.compression import Compression as Settings

Headers = tuple[tuple[bytes, bytes], ...]

# Compressing this much takes about as long as a small request altogether: beyond it, others must not wait for it.
IN_A_THREAD = 131_072


class Compression:
    """`settings.compression`, made ready; `vary` names the header that answers depend on, empty when they do not."""

    def __init__(self, settings: Settings) -> None:
        self._offered = settings.encodings if settings.enabled else ()
        self._minimum = settings.minimum_bytes
        self.vary = b"Accept-Encoding" if self._offered else b""

    async def apply(self, body: bytes, accept_encoding: str | None) -> tuple[bytes, Headers]:
        """The body as it is sent, and the headers that say so."""
        if len(body) < self._minimum:
            return body, ()
        coding = content_codings.preferred(accept_encoding, self._offered)
        if coding is None:
            return body, ()
        if len(body) < IN_A_THREAD:
            encoded = content_codings.encode(coding, body)
        else:
            encoded = await asyncio.to_thread(content_codings.encode, coding, body)
        return encoded, ((b"content-encoding", coding.encode()),)
