"""Compresses responses in the content coding that the client prefers.

Compression can reveal data (the BREACH attack): if an attacker chooses a part of the request and sees the size of the
compressed response, the attacker can guess secrets in the response. To do this, a page of the attacker must send
requests with the credentials of a user. The CORS and CSRF checks prevent such requests.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from router.transport import content_codings
from servicekit.accept import preferred_coding
from servicekit.results_for_short_texts import ResultsForShortTexts

if TYPE_CHECKING:
    from router.settings.sections.compression import Compression

Headers = tuple[tuple[bytes, bytes], ...]

# Bodies of at least this many bytes are compressed in a thread: on the event loop, they would delay other requests.
IN_A_THREAD = 131_072


class ResponseCompression:
    """Compresses responses. `vary` is a value for the header `Vary`, and is empty if compression is off."""

    def __init__(self, settings: Compression) -> None:
        offered = settings.encodings if settings.enabled else ()
        self._minimum = settings.minimum_bytes
        self._preferred = ResultsForShortTexts(partial(preferred_coding, offered=offered))
        self.vary = b"Accept-Encoding" if offered else b""

    async def apply(self, body: bytes, accept_encoding: str | None) -> tuple[bytes, Headers]:
        """Return the body to send, and the header `Content-Encoding` if this body is compressed."""
        if len(body) < self._minimum or not accept_encoding:
            return body, ()
        coding = self._preferred(accept_encoding)
        if coding is None:
            return body, ()
        if len(body) < IN_A_THREAD:
            encoded = content_codings.encode(coding, body)
        else:
            encoded = await asyncio.to_thread(content_codings.encode, coding, body)
        return encoded, ((b"content-encoding", coding.encode()),)
