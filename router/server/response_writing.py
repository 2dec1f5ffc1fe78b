"""Writes HTTP responses: chooses status, headers and content coding, and sends the bytes."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from router import json_codec
from router.request.log_fields import merged
from router.request.request_and_response import Outcome
from router.server.choose_http_status import Statuses
from router.server.http_refusals import HttpRefusal
from router.server.media_types import MediaType, accepts
from router.server.response_compression import ResponseCompression
from router.settings.types import PROTOCOL_HEADERS

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


class ResponseTarget(NamedTuple):
    """The arguments for writing one response: ASGI's `send`, log line, CORS headers, and what the client accepts."""

    send: Send
    log_line: LogLine
    cors: Headers
    accept: str | None
    accept_encoding: str | None


class ResponseWriter:
    """Writes HTTP responses with the configured statuses and compression."""

    def __init__(self, settings: RouterSettings) -> None:
        self._statuses = Statuses(settings.errors.status)
        self._compression = ResponseCompression(settings.compression)
        vary = b", ".join(name for name in (b"Accept", self._compression.vary) if name)
        # No cache may store a response, because responses depend on the client and on the time.
        self._always = ((b"cache-control", b"no-store"), (b"vary", vary), (b"x-content-type-options", b"nosniff"))
        self._uncached = self._always[1:]  # for a response whose own headers include `Cache-Control`

    async def graphql(self, target: ResponseTarget, response: GraphQLResponse, media_type: MediaType) -> None:
        """Write the response to one operation."""
        target.log_line.record = response.record
        status = response.status or self._statuses.of(response, media_type)
        extra = _ALLOW_POST if response.outcome is Outcome.NOT_READ_ONLY else ()
        extra = (*extra, *_given(response.headers), *_retry_after(response.record.retry_after))
        await self._send(target, status, media_type, json_codec.encode(response.body), extra)

    async def batch(self, target: ResponseTarget, responses: Sequence[GraphQLResponse]) -> None:
        """Write the responses of a batch as a JSON array, with the media type `application/json`."""
        target.log_line.record = record = merged([response.record for response in responses])
        target.log_line.batch = len(responses)
        body = json_codec.encode([response.body for response in responses])
        given = (header for response in responses for header in _given(response.headers))
        await self._send(target, 200, MediaType.JSON, body, (*given, *_retry_after(record.retry_after)))

    async def stream(self, target: ResponseTarget, response: ResponseStream) -> None:
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
            await target.send({"type": "http.response.start", "status": 200, "headers": headers})
            async for part in parts:
                await self._send_part(target, _PART_HEAD + json_codec.encode(part.body), is_last=False)
            await self._send_part(target, _END, is_last=True)

    async def _send_part(self, target: ResponseTarget, content: bytes, *, is_last: bool) -> None:
        target.log_line.size += len(content)
        await target.send({"type": "http.response.body", "body": content, "more_body": not is_last})

    async def refusal(self, target: ResponseTarget, refusal: HttpRefusal, media_type: MediaType) -> None:
        """Write the response to an HTTP request that is refused."""
        target.log_line.code = refusal.code
        await self._send(target, refusal.status, media_type, json_codec.encode(refusal.body), refusal.headers)

    async def options(self, target: ResponseTarget) -> None:
        """Write the response to an OPTIONS request: the allowed methods and the CORS headers."""
        headers = (*ALLOW, *target.cors)
        target.log_line.status = 204
        await target.send({"type": "http.response.start", "status": 204, "headers": headers})
        await target.send({"type": "http.response.body", "body": b""})

    async def _send(
        self, target: ResponseTarget, status: int, media_type: MediaType, body: bytes, extra: Headers = ()
    ) -> None:
        sent, coding = await self._compression.apply(body, target.accept_encoding)
        headers = [
            (b"content-length", str(len(sent)).encode()),
            *coding,
            *extra,
            *target.cors,
            (b"content-type", media_type.header),
            *(self._uncached if any(name == b"cache-control" for name, _ in extra) else self._always),
        ]
        target.log_line.status, target.log_line.size = status, len(sent)
        await target.send({"type": "http.response.start", "status": status, "headers": headers})
        await target.send({"type": "http.response.body", "body": sent})


def _retry_after(seconds: int | None) -> Headers:
    return () if seconds is None else ((b"retry-after", str(seconds).encode()),)


def _given(headers: Iterable[tuple[str, str]]) -> Headers:
    """Encode the headers that stages have set. Omit headers of the connection and of the body (`PROTOCOL_HEADERS`)."""
    return tuple(
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in headers
        if name.lower() not in PROTOCOL_HEADERS
    )
