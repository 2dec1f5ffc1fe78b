"""Static files over HTTP: content codings, entity tags, ranges and caching (RFC 9110, RFC 9111).

The URL of a file contains a hash of its content, such as `main.2f7d0c6e91ab43d5.mjs`. So every cache may keep the file
for ever, and a new content has a new URL:

    banking.css    ->  banking.9b1c44f07e52d3aa.css
    main.mjs       ->  main.2f7d0c6e91ab43d5.mjs, in which `import './forms.mjs'` is `import './forms.<hash>.mjs'`
    index.html     ->  a page: it has the URLs of the files, and their hashes for the browser (Subresource Integrity)

A page has no hash in its URL. Browsers ask before each use whether their copy is current; a shared cache, such as a
CDN, asks after some seconds. Each content coding of a file is another representation and has its own strong entity tag.
"""

from __future__ import annotations

import asyncio
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from servicekit.accept import preferred_coding
from servicekit.asgi import header
from servicekit.byte_ranges import RangeNotSatisfiable, requested_range
from servicekit.entity_tags import entity_tag, if_none_match
from servicekit.static_encoders import ENCODERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from servicekit.asgi import Scope, Send

Headers = tuple[tuple[bytes, bytes], ...]

# The content of a URL that contains a hash of the content never changes (RFC 8246).
IMMUTABLE: Final = b"public, max-age=31536000, immutable"
# A browser asks before each use whether its copy is current. A CDN asks at most every 5 seconds, so that a new release
# is seen soon, and a crowd of visitors costs one request.
PAGE: Final = b"public, max-age=0, s-maxage=5, must-revalidate"
# Every cache asks before each use. For URLs whose content depends on the header `Accept`, which many CDNs ignore.
REVALIDATE: Final = b"no-cache"
HTML: Final = "text/html; charset=utf-8"

CONTENT_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": HTML,
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
_COMPRESSED_ALREADY: Final = frozenset({"image/png", "font/woff2"})
_SMALLEST_TO_COMPRESS: Final = 1_024


class StaticFile:
    """The content of a file. Each compressed form is made once, when a client first wants it, in a thread."""

    def __init__(
        self, content: bytes, content_type: str, encoders: Mapping[str, Callable[[bytes], bytes]] = ENCODERS
    ) -> None:
        self.content = content
        self.content_type = content_type
        self.etag = entity_tag(content)
        compressible = content_type not in _COMPRESSED_ALREADY and len(content) >= _SMALLEST_TO_COMPRESS
        self._encoders = encoders if compressible else {}
        self._encoded: dict[str, bytes] = {}
        self._encoding = threading.Lock()

    async def send(self, scope: Scope, send: Send, cache_control: bytes, more: Headers = ()) -> int:
        """Respond to a GET or HEAD request: with the file, with a range of it, or with 304 if the client has it.

        Return the status.
        """
        coding = preferred_coding(header(scope, b"accept-encoding"), self._encoders)
        etag = self.etag if coding is None else f'{self.etag[:-1]}-{coding}"'
        headers = [
            (b"cache-control", cache_control),
            (b"etag", etag.encode()),
            (b"vary", b"accept-encoding"),
            (b"x-content-type-options", b"nosniff"),
            *more,
        ]
        known = header(scope, b"if-none-match")
        if known is not None and not if_none_match(known, etag):
            return await _send(scope, send, HTTPStatus.NOT_MODIFIED, headers, None)
        body = self.content if coding is None else await self._in(coding)
        if coding is not None:
            headers.append((b"content-encoding", coding.encode()))
        headers += [(b"content-type", self.content_type.encode()), (b"accept-ranges", b"bytes")]
        ranges = header(scope, b"range") if scope["method"] == "GET" else None
        try:
            part = requested_range(ranges, header(scope, b"if-range"), len(body), etag)
        except RangeNotSatisfiable:
            headers.append((b"content-range", b"bytes */%d" % len(body)))
            return await _send(scope, send, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers, b"")
        if part is None:
            return await _send(scope, send, HTTPStatus.OK, headers, body)
        headers.append((b"content-range", b"bytes %d-%d/%d" % (part.start, part.stop - 1, len(body))))
        return await _send(scope, send, HTTPStatus.PARTIAL_CONTENT, headers, body[part.start : part.stop])

    async def _in(self, coding: str) -> bytes:
        found = self._encoded.get(coding)
        return found if found is not None else await asyncio.to_thread(self._encode, coding)

    def _encode(self, coding: str) -> bytes:
        with self._encoding:  # of several first requests, one compresses
            if coding not in self._encoded:
                self._encoded[coding] = self._encoders[coding](self.content)
            return self._encoded[coding]


async def _send(
    scope: Scope, send: Send, status: HTTPStatus, headers: list[tuple[bytes, bytes]], body: bytes | None
) -> int:
    """Send a response. `body` is None for a status without a body and without its length."""
    if body is not None:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" or body is None else body})
    return status
