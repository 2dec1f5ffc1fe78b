"""Static files over HTTP: content types, entity tags, content codings and caching (RFC 9110, RFC 9111).

A folder of files is read once. Its `version` is a hash of all its files; a path that contains the version can be cached
for ever, and the files of the folder can refer to each other by relative paths.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from servicekit.accept import preferred_coding
from servicekit.asgi import header
from servicekit.entity_tags import entity_tag, if_none_match

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from servicekit.asgi import Scope, Send

Headers = tuple[tuple[bytes, bytes], ...]

# The content of a path that contains a version never changes (RFC 8246).
IMMUTABLE: Final = b"public, max-age=31536000, immutable"
# The client must ask before each use whether its copy is current.
REVALIDATE: Final = b"no-cache"

CONTENT_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
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


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=9, mtime=0)


GZIP: Final[Mapping[str, Callable[[bytes], bytes]]] = {"gzip": _gzip}
"""The content codings that need no further package: only gzip, from the standard library."""


class StaticFile:
    """The content of a file, with its entity tag. Each compressed form is made once, when a client first wants it."""

    def __init__(
        self, content: bytes, content_type: str, encoders: Mapping[str, Callable[[bytes], bytes]] = GZIP
    ) -> None:
        self.content = content
        self.content_type = content_type
        self._tag = entity_tag(content)
        # All forms of the content, compressed or not, have the same tag. So the tag is weak.
        self.etag = f"W/{self._tag}"
        compressible = content_type not in _COMPRESSED_ALREADY and len(content) >= _SMALLEST_TO_COMPRESS
        self._encoders = encoders if compressible else {}
        self._encoded: dict[str, bytes] = {}

    async def send(self, scope: Scope, send: Send, cache_control: bytes, more: Headers = ()) -> int:
        """Respond to a GET or HEAD request with the file, or with 304 if the client has it. Return the status."""
        headers = [
            (b"cache-control", cache_control),
            (b"etag", self.etag.encode()),
            (b"vary", b"accept-encoding"),
            (b"x-content-type-options", b"nosniff"),
            *more,
        ]
        known = header(scope, b"if-none-match")
        if known is not None and not if_none_match(known, self._tag):
            await send({"type": "http.response.start", "status": HTTPStatus.NOT_MODIFIED, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return HTTPStatus.NOT_MODIFIED
        body, coding = await self._in_best_coding(header(scope, b"accept-encoding"))
        headers += [(b"content-type", self.content_type.encode()), (b"content-length", str(len(body)).encode())]
        if coding is not None:
            headers.append((b"content-encoding", coding.encode()))
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
        return HTTPStatus.OK

    async def _in_best_coding(self, accept_encoding: str | None) -> tuple[bytes, str | None]:
        coding = preferred_coding(accept_encoding, self._encoders)
        if coding is None:
            return self.content, None
        if coding not in self._encoded:
            self._encoded[coding] = await asyncio.to_thread(self._encoders[coding], self.content)
        return self._encoded[coding], coding


class StaticFolder:
    """The files of a folder, by path. A path is relative to the folder, and has `/` between its parts."""

    def __init__(self, folder: Path, encoders: Mapping[str, Callable[[bytes], bytes]] = GZIP) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.suffix in CONTENT_TYPES and path.is_file())
        self.files = {
            path.relative_to(folder).as_posix(): StaticFile(path.read_bytes(), CONTENT_TYPES[path.suffix], encoders)
            for path in paths
        }
        digest = hashlib.sha256()
        for name, file in self.files.items():
            digest.update(f"{name}\0{file.etag}\0".encode())
        self.version = digest.hexdigest()[:16]
