"""Send requests on one HTTP/1.1 connection, one after the other, and receive the responses.

Responses are parsed by llhttp (through httptools). This module decides three questions that the parser does not decide:
where a body without a length ends, whether the connection can be used again, and what a closed connection means
(RFC 9112). An *exchange* is a request and its response; a connection has only one exchange at a time. If an exchange is
cancelled, the connection is closed. Otherwise the next exchange could receive the rest of the cancelled response.

The head of a response, its trailers and its chunk extensions are limited in size. Trailer fields are dropped.

    idle ──exchange()──> waiting ──last byte──> idle        (kept alive)
      │                     │   └──────────────> closed     (`Connection: close`, or the request is still being sent)
      │ EOF, or bytes       │ EOF, reset, malformed, too large, too late, cancelled
      │ without a request   │
      └──────> closed <─────┘
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import httptools

from servicekit.http_framing import FramingBudget

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


class RawResponse(NamedTuple):
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
    """An HTTP/1.1 connection. It is the `asyncio.Protocol` that `loop.create_connection` needs.

    `max_response_bytes` limits the size of one response, including the status line and headers.
    """

    __slots__ = (
        "_body",
        "_body_tail",
        "_field_bytes",
        "_field_count",
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
        "_transport",
        "_waiter",
        "closed",
        "idle_since",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, max_response_bytes: int, on_close: Callable[[Connection], None]
    ) -> None:
        self._loop = loop
        self._max_response_bytes = max_response_bytes
        self._on_close = on_close
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[RawResponse] | None = None
        self._framing = FramingBudget(MAX_HEAD_BYTES)
        self.closed = False
        self.idle_since = 0.0
        self._reset()

    async def exchange(self, request: bytes, deadline: float) -> RawResponse:
        """Send the bytes of one request, and return the response.

        `deadline` is a time on the event loop's clock. If the call is cancelled, the connection is closed.

        Raises:
            ExchangeFailed: The connection broke or was closed before the response was complete.
            MalformedExchange: The response is not HTTP, or is larger than allowed.
            TimeoutError: The deadline passed before the response was complete.
        """
        if self._transport is None or self.closed:
            raise ExchangeFailed("the connection is closed", response_begun=False)
        waiter: asyncio.Future[RawResponse] = self._loop.create_future()
        self._waiter = waiter
        # `asyncio.timeout` would cost three times the CPU time of this timer.
        timer = self._loop.call_at(deadline, self._expire)
        self._transport.write(request)
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiter = None
            if waiter.cancelled():
                self.close()

    def close(self) -> None:
        """Close the connection at once. If an exchange is running, it fails with `ExchangeFailed`."""
        self._settle(ExchangeFailed("the connection was closed", response_begun=self._received > 0))
        if not self.closed:
            self.closed = True
            if self._transport is not None:
                self._transport.abort()

    # The event loop calls the following methods.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.close()
            return
        self._received += len(data)
        if self._received > self._max_response_bytes:
            self._reject(f"the response is larger than {self._max_response_bytes} bytes")
            return
        in_coded_body = self._has_transfer_coding
        if in_coded_body:
            self._framing.read(len(data))
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._reject("the server switched protocols without a request to do so")
        except httptools.HttpParserError as error:
            is_too_large = isinstance(error.__context__, HeadTooLarge)
            self._reject(_TOO_LARGE if is_too_large else f"the response is not HTTP/1.1: {error}")
        else:
            if self._is_too_large(in_coded_body=in_coded_body):
                self._reject(_TOO_LARGE)

    def _is_too_large(self, *, in_coded_body: bool) -> bool:
        """Return whether the head or chunk framing is too large. `in_coded_body`: the chunked body began earlier."""
        if not self._headers_done:  # the head is incomplete, or the whole response has arrived
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
        self._settle(ExchangeFailed(reason, response_begun=self._received > 0))
        self._on_close(self)
        del self._parser  # it refers to this object, and only the garbage collector would free such a cycle

    # The parser calls the following methods.

    def on_message_begin(self) -> None:
        if self._waiter is None or self._waiter.done():
            # No request waits for a response. The next request must not get these bytes as its response.
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._field_count += 1
        self._field_bytes += len(name) + len(value)
        if self._field_count > MAX_FIELDS or self._field_bytes > MAX_HEAD_BYTES:
            raise HeadTooLarge
        if self._headers_done:
            return  # a trailer must not act as a header (RFC 9110 §6.5.1)
        key, text = _KNOWN_NAMES.get(name) or name.decode("latin-1").lower(), value.decode("latin-1")
        known = self._headers.get(key)
        # A cookie can contain commas, so cookies are separated by line breaks, which no header contains.
        separator = "\n" if key == "set-cookie" else ", "
        self._headers[key] = text if known is None else f"{known}{separator}{text}"

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status in _INFORMATIONAL:
            return
        self._headers_done = True
        self._field_count = self._field_bytes = 0
        self._has_transfer_coding = "transfer-encoding" in self._headers
        self._framed = self._has_transfer_coding or "content-length" in self._headers or status in _BODILESS

    def on_body(self, body: bytes) -> None:
        if self._has_transfer_coding:
            self._framing.content(len(body))
        if len(self._body) < _MAX_PARTS:
            self._body.append(body)
        else:
            self._body_tail += body

    def on_chunk_header(self) -> None:
        self._framing.chunk()

    def on_message_complete(self) -> None:
        if self._headers_done:
            self._complete(reusable=self._parser.should_keep_alive())
        elif self._parser.get_status_code() != _SWITCHING_PROTOCOLS:
            self._headers.clear()  # after a status 100 or 103, the response follows

    def _complete(self, *, reusable: bool) -> None:
        waiter, transport = self._waiter, self._transport
        if waiter is None or transport is None or waiter.done():
            return
        body = self._body[0] if len(self._body) == 1 else b"".join((*self._body, self._body_tail))
        waiter.set_result(RawResponse(self._parser.get_status_code(), self._headers, body))
        if reusable and not transport.get_write_buffer_size():
            self._reset()
        else:
            self.close()

    def _reset(self) -> None:
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_tail = bytearray()
        self._field_count = self._field_bytes = 0
        self._headers_done = self._framed = self._has_transfer_coding = False
        self._received = 0

    def _reject(self, reason: str) -> None:
        self._settle(MalformedExchange(reason, response_begun=True))
        self.close()

    def _expire(self) -> None:
        self._settle(TimeoutError())
        self.close()

    def _settle(self, failure: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(failure)
