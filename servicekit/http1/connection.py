"""Send requests on one HTTP/1.1 connection, one after the other, and receive the responses.

Usual responses that arrive whole are read by `plain_response`, all others by llhttp (through httptools). This module
decides three questions that llhttp does not decide: where a body without a length ends, whether the connection can be
used again, and what a closed connection means (RFC 9112). An *exchange* is a request and its response; a connection has
only one exchange at a time. If an exchange is cancelled, the connection is closed. Otherwise the next exchange could
receive the rest of the cancelled response.

The head of a response, its trailers and its chunk extensions are limited in size. Trailer fields are dropped.

    idle ───begin()────> waiting ──last byte──> idle        (kept alive)
      │                     │   └──────────────> closed     (`Connection: close`, or the request is still being sent)
      │ EOF, or bytes       │ EOF, reset, malformed, too large, too late, cancelled
      │ without a request   │
      └──────> closed <─────┘
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import httptools
import msgspec

from servicekit.http1.plain_response import read_plain_response
from servicekit.http_framing import FramingBudget
from servicekit.moving_deadline import MovingDeadline

if TYPE_CHECKING:
    from collections.abc import Callable

_INFORMATIONAL = range(100, 200)
_SWITCHING_PROTOCOLS = 101
_BODILESS = frozenset({204, 304})
MAX_HEAD_BYTES = 65_536
"""The maximum size of a response's head, including interim responses before it. The trailers have the same limit."""

MAX_FIELDS = 500
"""The maximum number of header lines of a response. The trailers have the same limit."""

_TOO_LARGE = f"the head or the trailers of the response are larger than {MAX_HEAD_BYTES} bytes or {MAX_FIELDS} lines"
# Bytes of a header's name → the name in lower case, for the usual headers in the usual spellings.
_USUAL_NAMES = (
    "cache-control connection content-encoding content-length content-type date etag keep-alive server set-cookie"
    " transfer-encoding vary x-request-id"
)
_KNOWN_NAMES: Final = {spelling.encode(): name for name in _USUAL_NAMES.split() for spelling in (name, name.title())}
# The number of parts of a body is limited, because the parts are joined only at the end and each part has an overhead
# in memory.
_MAX_PARTS = 256


class RawResponse(msgspec.Struct, frozen=True):
    """A response as received, with its content coding.

    The names in `headers` are in lower case. The values of a repeated header are joined by commas (RFC 9110 §5.3). Only
    `set-cookie` is joined by line breaks.
    """

    status: int
    headers: dict[str, str]
    body: bytes


class ExchangeFailed(Exception):
    """The exchange ended without a complete response.

    `response_begun` is True if any byte of the response arrived. If it is False and the connection was used before, the
    server most likely closed the idle connection and never received the request.
    """

    def __init__(self, reason: str, *, response_begun: bool) -> None:
        super().__init__(reason)
        self.response_begun = response_begun


class MalformedExchange(ExchangeFailed):
    """The response is not HTTP/1.1, or is larger than `max_response_bytes`."""


class HeadTooLarge(Exception):
    """Raised in a callback to stop the parser. The connection catches it."""


class Connection(asyncio.Protocol):
    """A connection for `loop.create_connection`. A response with its head has at most `max_response_bytes`."""

    __slots__ = (
        "_body",
        "_deadline",
        "_fields",
        "_framed",
        "_framing",
        "_has_transfer_coding",
        "_headers",
        "_headers_done",
        "_loop",
        "_max_response_bytes",
        "_on_close",
        "_parser",
        "_received",
        "_trailer_bytes",
        "_trailer_count",
        "_transport",
        "_waiter",
        "closed",
        "idle_since",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, max_response_bytes: int, on_close: Callable[[Connection], None]
    ) -> None:
        self._loop, self._max_response_bytes, self._on_close = loop, max_response_bytes, on_close
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[RawResponse] | None = None
        self._framing = FramingBudget(MAX_HEAD_BYTES)
        self._deadline = MovingDeadline(loop, self._expire)
        self._headers: dict[str, str] = {}
        self.closed, self.idle_since = False, 0.0
        self._reset()

    def begin(self, request: bytes, deadline: float) -> asyncio.Future[RawResponse]:
        """Send the bytes of one request, and return a future for the response. The caller awaits it, then calls `end`.

        `deadline` is a time on the event loop's clock. This call and the future raise `ExchangeFailed` (the connection
        is closed), `MalformedExchange` (the response is not HTTP, or too large) and `TimeoutError` (the deadline).
        """
        if self._transport is None or self.closed:
            raise ExchangeFailed("the connection is closed", response_begun=False)
        waiter = self._waiter = self._loop.create_future()
        self._deadline.move(deadline)
        self._transport.write(request)
        return waiter

    def end(self) -> None:
        """End the exchange. If its future has no result because the caller was cancelled, close the connection."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and waiter.cancelled():
            self.close()

    def close(self) -> None:
        """Close the connection at once. If an exchange is running, it fails with `ExchangeFailed`."""
        self._fail(ExchangeFailed("the connection was closed", response_begun=self._received > 0))
        if not self.closed:
            self.closed = True
            self._deadline.close()
            if self._transport is not None:
                self._transport.abort()

    # The event loop calls the following methods.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        waiter = self._waiter
        if waiter is None:
            self.close()
            return
        if not self._received and len(data) <= self._max_response_bytes and not waiter.done():
            plain = read_plain_response(data)
            if plain is not None:
                self._respond(RawResponse(200, *plain), reusable=True)
                return
        self._received += len(data)
        if self._received > self._max_response_bytes:
            self._reject(f"the response is larger than {self._max_response_bytes} bytes")
            return
        if in_coded_body := self._has_transfer_coding:
            self._framing.read(len(data))
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._reject("the server switched protocols without a request to do so")
        except httptools.HttpParserError as error:
            is_too_large = isinstance(error.__context__, HeadTooLarge)
            self._reject(_TOO_LARGE if is_too_large else f"the response is not HTTP/1.1: {error}")
        else:
            if self._received and self._is_too_large(in_coded_body=in_coded_body):
                self._reject(_TOO_LARGE)

    def _is_too_large(self, *, in_coded_body: bool) -> bool:
        """Return whether the head or chunk framing is too large. `in_coded_body`: the chunked body began earlier."""
        if not self._headers_done:  # the head is incomplete
            return self._received > MAX_HEAD_BYTES
        if in_coded_body:
            return self._framing.is_exceeded
        if self._has_transfer_coding:
            self._framing.begin()
        return False

    def eof_received(self) -> bool:
        if self._headers_done and not self._framed:
            self._complete(reusable=False)  # a body without a length ends here (RFC 9112 §6.3, rule 8)
        self.closed = True  # no further request can be sent; returning False makes asyncio close the socket
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        reason = str(exc) if exc is not None else "the server closed the connection"
        self._fail(ExchangeFailed(reason, response_begun=self._received > 0))
        self._on_close(self)
        self._deadline.close()
        del self._parser  # it refers to this object, and only the garbage collector would free such a cycle

    # The parser calls the following methods.

    def on_message_begin(self) -> None:
        if self._waiter is None or self._waiter.done():
            self.close()  # otherwise the next request would get these bytes as its response

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._headers_done:
            self._fields.append((name, value))  # their number and size are checked at the end of the head
            return
        # A trailer must not act as a header (RFC 9110 §6.5.1).
        self._trailer_count += 1
        self._trailer_bytes += len(name) + len(value)
        if self._trailer_count > MAX_FIELDS or self._trailer_bytes > MAX_HEAD_BYTES:
            raise HeadTooLarge

    def on_headers_complete(self) -> None:
        fields, status = self._fields, self._parser.get_status_code()
        if len(fields) > MAX_FIELDS or (self._received > MAX_HEAD_BYTES and _size(fields) > MAX_HEAD_BYTES):
            raise HeadTooLarge
        if status in _INFORMATIONAL:
            return
        self._headers_done = True
        headers = self._headers = _by_name(fields)
        self._has_transfer_coding = "transfer-encoding" in headers
        self._framed = self._has_transfer_coding or "content-length" in headers or status in _BODILESS

    def on_body(self, body: bytes) -> None:
        if self._has_transfer_coding:
            self._framing.content(len(body))
        self._body.append(body)
        if len(self._body) > _MAX_PARTS:
            _join_later_parts(self._body)

    def on_chunk_header(self) -> None:
        self._framing.chunk()

    def on_message_complete(self) -> None:
        if self._headers_done:
            self._complete(reusable=self._parser.should_keep_alive())
        elif self._parser.get_status_code() != _SWITCHING_PROTOCOLS:
            self._fields.clear()  # after a status 100 or 103, the response follows

    def _complete(self, *, reusable: bool) -> None:
        status, headers, parts = self._parser.get_status_code(), self._headers, self._body
        self._reset()
        body = bytes(parts[0]) if len(parts) == 1 else b"".join(parts)  # `bytes` does not copy bytes
        self._respond(RawResponse(status, headers, body), reusable=reusable)

    def _respond(self, response: RawResponse, *, reusable: bool) -> None:
        waiter, transport = self._waiter, self._transport
        if waiter is None or transport is None or waiter.done():
            return
        waiter.set_result(response)
        if not reusable or transport.get_write_buffer_size():
            self.close()

    def _reset(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self._headers = {}
        self._body: list[bytes | bytearray] = []
        self._trailer_count = self._trailer_bytes = 0
        self._headers_done = self._framed = self._has_transfer_coding = False
        self._received: int = 0

    def _reject(self, reason: str) -> None:
        self._fail(MalformedExchange(reason, response_begun=True))
        self.close()

    def _expire(self) -> None:
        if self._waiter is not None:  # otherwise, it is the deadline of an exchange that has ended
            self._fail(TimeoutError())
            self.close()

    def _fail(self, failure: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(failure)


def _size(fields: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) for name, value in fields)


def _by_name(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by name."""
    headers: dict[str, str] = {}
    for name, value in fields:
        key, text = _KNOWN_NAMES.get(name) or name.decode("latin-1").lower(), value.decode("latin-1")
        if key in headers:
            # A cookie can contain commas, so cookies are separated by line breaks, which no header contains.
            separator = "\n" if key == "set-cookie" else ", "
            text = f"{headers[key]}{separator}{text}"
        headers[key] = text
    return headers


def _join_later_parts(parts: list[bytes | bytearray]) -> None:
    """Join all parts but the first. They are added to what was joined before, so the time grows with their size."""
    joined = parts[1] if isinstance(parts[1], bytearray) else bytearray(parts[1])
    joined += b"".join(parts[2:])
    parts[1:] = [joined]
