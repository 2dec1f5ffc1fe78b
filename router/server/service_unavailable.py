"""503 for requests that nobody looks at: a few bytes that cost next to nothing, and one log line like any other's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router import json_codec
from router.server.log_line import Summary
from router.server.media_types import MediaType, negotiate

if TYPE_CHECKING:
    from router.server.cors import Headers
    from servicekit.asgi import Scope, Send

STATUS = 503


class Unavailable:
    """One reason to answer nobody; `retry_after` is in whole seconds."""

    def __init__(self, code: str, message: str, retry_after: int) -> None:
        self._code = code
        self._body = json_codec.encode({"errors": [{"message": message, "extensions": {"code": code}}]})
        self._headers: Headers = (
            (b"content-length", str(len(self._body)).encode()),
            (b"retry-after", str(retry_after).encode()),
            (b"cache-control", b"no-store"),
            (b"vary", b"Accept"),
            (b"x-content-type-options", b"nosniff"),
        )

    async def answer(self, scope: Scope, send: Send, extra: Headers = ()) -> None:
        """Say so, in the media type the client prefers, with `extra` headers."""
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        summary = Summary()
        summary.status, summary.code, summary.size = STATUS, self._code, len(self._body)
        media_type = negotiate(given.get("accept")) or MediaType.JSON
        headers = ((b"content-type", media_type.header), *self._headers, *extra)
        await send({"type": "http.response.start", "status": STATUS, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})
        summary.write(scope, given, 0.0)
