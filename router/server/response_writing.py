"""Makes HTTP responses: chooses status, headers and content coding. Sends streams of responses."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from router import json_codec
from router.request.log_fields import merged
from router.request.request_and_response import Outcome
from router.server.choose_http_status import Statuses
from router.server.http_refusals import HttpRefusal
from router.server.media_types import MediaType, accepts
from router.server.response_compression import ResponseCompression
from router.settings.types import PROTOCOL_HEADERS
from servicekit.http_server.messages import WholeResponse
from servicekit.http_server.response_heads import framing_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.request.request_and_response import GraphQLResponse, ResponseStream
    from router.server.access_log import LogLine
    from router.settings.model import RouterSettings
    from servicekit.asgi import Send

Headers = tuple[tuple[bytes, bytes], ...]

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
ALLOW: Headers = ((b"allow", ", ".join(METHODS).encode()),)
_ALLOW_POST: Headers = ((b"allow", b"POST"),)
_MULTIPART = b'multipart/mixed; boundary="-"'
_PART_HEAD = b"\r\n---\r\ncontent-type: application/json; charset=utf-8\r\n\r\n"
_END = b"\r\n-----\r\n"


class FixedHeaders(msgspec.Struct, frozen=True):
    """Headers that are the same for many responses, and their lines."""

    headers: Headers
    lines: bytes


class HttpResponse(msgspec.Struct, frozen=True):
    """A whole HTTP response.

    `extra` are the headers of this response alone. The headers `cors` and `fixed` follow.
    """

    status: int
    extra: Headers
    cors: Headers
    fixed: FixedHeaders
    body: bytes

    async def send(self, send: Send) -> None:
        """Send the response with the `send` of ASGI."""
        length = (b"content-length", str(len(self.body)).encode())
        headers = [length, *self.extra, *self.cors, *self.fixed.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})

    def whole(self, last_lines: bytes) -> WholeResponse:
        """Return the response for a server that sends it at once. `last_lines` are further header lines.

        Raises:
            RuntimeError: A header is not valid.
        """
        lines, closes = b"", False
        if self.extra or self.cors:
            framing = framing_of((*self.extra, *self.cors))
            lines, closes = framing.lines, framing.closes
        head = b"content-length: %d\r\n%b%b%b" % (len(self.body), lines, self.fixed.lines, last_lines)
        return WholeResponse(self.status, head, self.body, closes)


class ResponseTarget(msgspec.Struct, frozen=True, eq=False):
    """The arguments for making one response: log line, CORS headers, and what the client accepts."""

    log_line: LogLine
    cors: Headers
    accept: str | None
    accept_encoding: str | None


class ResponseWriter:
    """Makes HTTP responses with the configured statuses and compression."""

    def __init__(self, settings: RouterSettings) -> None:
        self._statuses = Statuses(settings.errors.status)
        self._compression = ResponseCompression(settings.compression)
        vary = b", ".join(name for name in (b"Accept", self._compression.vary) if name)
        # No cache may store a response, because responses depend on the client and on the time.
        self._always = ((b"cache-control", b"no-store"), (b"vary", vary), (b"x-content-type-options", b"nosniff"))
        types = {each: ((b"content-type", each.header),) for each in MediaType}
        self._fixed = {each: _fixed((*header, *self._always)) for each, header in types.items()}
        self._vary = vary
        # For a response whose own headers include `Cache-Control`. Its headers include `Vary`, too.
        self._without_cache_control = {each: _fixed((*header, *self._always[2:])) for each, header in types.items()}

    async def graphql(self, target: ResponseTarget, response: GraphQLResponse, media_type: MediaType) -> HttpResponse:
        """Return the HTTP response to one operation."""
        target.log_line.record = response.record
        status = response.status or self._statuses.of(response, media_type)
        extra = _ALLOW_POST if response.outcome is Outcome.NOT_READ_ONLY else ()
        if response.headers or response.record.retry_after is not None:
            extra = (*extra, *_given(response.headers), *_retry_after(response.record.retry_after))
        return await self._response(target, status, media_type, json_codec.encode(response.body), extra)

    async def batch(self, target: ResponseTarget, responses: Sequence[GraphQLResponse]) -> HttpResponse:
        """Return the HTTP response to a batch: a JSON array, with the media type `application/json`."""
        target.log_line.record = record = merged([response.record for response in responses])
        target.log_line.batch = len(responses)
        body = json_codec.encode([response.body for response in responses])
        given = (header for response in responses for header in _given(response.headers))
        return await self._response(target, 200, MediaType.JSON, body, (*given, *_retry_after(record.retry_after)))

    async def stream(self, target: ResponseTarget, send: Send, response: ResponseStream) -> None:
        """Write each response of a stream as soon as it is ready, as a part of `multipart/mixed` (RFC 2046 §5.1).

        Raises:
            HttpRefusal: The client does not accept `multipart/mixed`.
        """
        async with aclosing(response.parts) as parts:
            if not accepts(target.accept, "multipart/mixed"):
                raise HttpRefusal("NOT_ACCEPTABLE", "The response is a stream, sent with multipart/mixed.")
            target.log_line.record = response.record
            target.log_line.status = 200
            headers = [*_given(response.headers), *target.cors, (b"content-type", _MULTIPART), *self._always]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            async for part in parts:
                content = _PART_HEAD + json_codec.encode(part.body)
                target.log_line.size += len(content)
                await send({"type": "http.response.body", "body": content, "more_body": True})
            target.log_line.size += len(_END)
            await send({"type": "http.response.body", "body": _END})

    async def refusal(self, target: ResponseTarget, refusal: HttpRefusal, media_type: MediaType) -> HttpResponse:
        """Return the response to an HTTP request that is refused."""
        target.log_line.code = refusal.code
        return await self._response(
            target, refusal.status, media_type, json_codec.encode(refusal.body), refusal.headers
        )

    async def options(self, target: ResponseTarget, send: Send) -> None:
        """Send the response to an OPTIONS request: the allowed methods and the CORS headers."""
        headers = (*ALLOW, *target.cors)
        target.log_line.status = 204
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _response(
        self, target: ResponseTarget, status: int, media_type: MediaType, body: bytes, extra: Headers = ()
    ) -> HttpResponse:
        sent, coding = await self._compression.apply(body, target.accept_encoding)
        has_cache_control = bool(extra) and any(name == b"cache-control" for name, _ in extra)
        target.log_line.status, target.log_line.size = status, len(sent)
        given = (*coding, *extra) if coding else extra
        if has_cache_control:
            return self._with_one_vary(
                HttpResponse(status, given, target.cors, self._without_cache_control[media_type], sent)
            )
        return HttpResponse(status, given, target.cors, self._fixed[media_type], sent)

    def _with_one_vary(self, response: HttpResponse) -> HttpResponse:
        """Return the response with one line `Vary`, because some caches read only one (nginx before 1.23)."""
        lines = (self._vary, *(value for name, value in (*response.extra, *response.cors) if name == b"vary"))
        names = (name.strip() for line in lines for name in line.split(b","))
        vary = (b"vary", b", ".join({name.lower(): name for name in names}.values()))
        extra, cors = (
            tuple(header for header in headers if header[0] != b"vary") for headers in (response.extra, response.cors)
        )
        return replace(response, extra=(vary, *extra), cors=cors)


def _fixed(headers: Headers) -> FixedHeaders:
    return FixedHeaders(headers, framing_of(headers).lines)


def _retry_after(seconds: int | None) -> Headers:
    return () if seconds is None else ((b"retry-after", str(seconds).encode()),)


def _given(headers: Iterable[tuple[str, str]]) -> Headers:
    """Encode the headers that stages have set. Omit headers of the connection and of the body (`PROTOCOL_HEADERS`)."""
    return tuple(
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in headers
        if name.lower() not in PROTOCOL_HEADERS
    )
