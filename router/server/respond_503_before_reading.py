"""Responds with 503 to a request that is refused before it is read, and writes the log line of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router import json_codec
from router.server.access_log import LogLine
from router.server.media_types import MediaType, negotiate
from servicekit.request_admission import Refusal

if TYPE_CHECKING:
    from servicekit.asgi import Scope, Send
    from servicekit.cors import Headers

STATUS = 503


class ServiceUnavailable:
    """A response with 503 for all requests that are refused for the same reason, such as a shutdown.

    `retry_after` is in seconds. `path` is the path of the GraphQL endpoint, if it is known.
    """

    def __init__(self, code: str, message: str, retry_after: int, path: str | None = None) -> None:
        self._path = path
        self._code = code
        self._body = json_codec.encode({"errors": [{"message": message, "extensions": {"code": code}}]})
        self._headers: Headers = (
            (b"content-length", str(len(self._body)).encode()),
            (b"retry-after", str(retry_after).encode()),
            (b"cache-control", b"no-store"),
            (b"vary", b"Accept"),
            (b"x-content-type-options", b"nosniff"),
        )
        self._heads = {each: _head(each, self._headers) for each in MediaType}

    def response(self, accept: str | None, extra: Headers = ()) -> Refusal:
        """Return the response for a server that sends it without running an application.

        `accept` is the header of the request; `extra` are further headers.
        """
        media_type = negotiate(accept) or MediaType.JSON
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in extra)
        return Refusal(self._heads[media_type] + lines, self._body)

    async def respond(self, scope: Scope, send: Send, extra: Headers = ()) -> None:
        """Send the response in the media type that the client prefers. `extra` are further headers."""
        headers_sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        log_line = LogLine()
        log_line.status, log_line.code, log_line.size = STATUS, self._code, len(self._body)
        if self._path is not None and scope["path"] == self._path:
            log_line.path = self._path
        media_type = negotiate(headers_sent.get("accept")) or MediaType.JSON
        headers = ((b"content-type", media_type.header), *self._headers, *extra)
        await send({"type": "http.response.start", "status": STATUS, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})
        log_line.write(scope["method"], headers_sent, 0.0)


def _head(media_type: MediaType, headers: Headers) -> bytes:
    fields = ((b"content-type", media_type.header), *headers)
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
    return b"HTTP/1.1 503 Service Unavailable\r\n" + lines
