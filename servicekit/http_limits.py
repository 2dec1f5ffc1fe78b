"""What a client may do to a connection before, and beside, sending a request: uvicorn's protocol has no bounds for it.

    connected ── first byte ──> head ── complete ──> body, answer ──> idle ── first byte ──> head ...
        └── head_seconds ─────────┘ 408                                 └─ keep_alive_seconds ─┘ closed
                                  └ head_bytes: 431

- A head (request line and headers) has a time and a size. Without, a few bytes a minute on many connections hold a
  server's descriptors for ever ("slow-loris"), and one head without end its memory.
- A connection serves a number of requests and is closed, so that clients behind a balancer spread over new processes.
- A client that resets its connection is gone at once, but uvicorn hears of it only in the next turn of the event loop;
  what the application says between is dropped. uvloop would raise, and the log show a traceback of a client's doing.
- An answer that nobody reads is dropped after `keep_alive_seconds`; uvicorn would wait for its reader for ever.

The parser tells only of whole headers, so bytes are counted where they arrive.
"""

from __future__ import annotations

import http
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_log = structlog.stdlib.get_logger("server")

_TIMEOUT = http.HTTPStatus.REQUEST_TIMEOUT
_TOO_LARGE = http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a client's connection may take.

    Attributes:
        head_seconds: from the connection, or the first byte of a further request, to the end of its headers. 30 s is
            what a phone on a bad line needs, several times.
        head_bytes: request line and headers; 64 KiB as other servers have it.
        keep_alive_seconds: how long an unused connection stays. Longer than the pools of common clients keep theirs
            (5 to 60 s), so that it is the client who closes and no request meets a closing socket.
        keep_alive_requests: after how many requests it is closed; None for no bound.
    """

    head_seconds: float = 30.0
    head_bytes: int = 65_536
    keep_alive_seconds: float = 75.0
    keep_alive_requests: int | None = None


class HeadTooLarge(Exception):
    """Ends the parser's work; never leaves the protocol."""


class UntilClosed:
    """A transport that ignores what is written after it was closed."""

    __slots__ = ("_transport", "close", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.close = transport.close
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if not self.is_closing():
            self._transport.write(data)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol within `ConnectionLimits`; see `bounded`."""

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = self.limits.keep_alive_seconds  # type: ignore[assignment]  # a timer takes fractions
        self._head_timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._begun = False
        self._head_size = 0
        self._requests = 0
        self._deaf = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        self._until_closed = UntilClosed(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._in_head:
            self._head_size += len(data)
        super().data_received(data)
        if self._in_head and self._begun and not self._deaf:
            if self._head_size > self.limits.head_bytes:
                self._refuse(_TOO_LARGE)
            elif self._head_timer is None:
                self._start_head_timer()

    def on_message_begin(self) -> None:
        self._begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_head_timer()
        self._head_size = len(self.url) + sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers)
        if self._head_size > self.limits.head_bytes:
            raise HeadTooLarge
        super().on_headers_complete()
        self.cycle.transport = self._until_closed  # type: ignore[assignment]  # the part of a transport that a cycle uses
        self._requests += 1
        most = self.limits.keep_alive_requests
        if most is not None and self._requests >= most:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        # What follows in the same read is the next head's; it is not in the count, but no more than one read is.
        self._in_head, self._begun, self._head_size = True, False, 0

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls when the parser gives up, also over a head that is too large."""
        if self._head_size > self.limits.head_bytes:
            self._refuse(_TOO_LARGE)
        elif self._in_head and self._is_answering():
            self._end_after_answer()
        elif self._is_answering() and (self.cycle.response_started or self.pipeline):
            self._close()  # a status line in the middle of an answer would be taken for its part
        else:
            self._deaf = True
            super().send_400_response(msg)

    def timeout_keep_alive_handler(self) -> None:
        """Also for a client that does not read its answer: closing would wait for it to do so."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request, whatever uvicorn declares
        return cycle is not None and not cycle.response_complete

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.head_seconds, self._head_expired)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_expired(self) -> None:
        self._head_timer = None
        if self._begun:
            self._refuse(_TIMEOUT)
        else:
            self._close()  # a connection opened in advance and never used

    def _refuse(self, status: http.HTTPStatus) -> None:
        if self._is_answering():
            self._end_after_answer()
            return
        _log.info("a head was refused", status=status.value)  # no application sees it, so none will tell
        text = status.phrase.encode()
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        self.transport.write(head.encode() + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(text) + text)
        self._close()

    def _end_after_answer(self) -> None:
        """The answer under way is the last one; what comes after its request is not looked at."""
        self._deaf = True
        self.cycle.keep_alive = False

    def _close(self) -> None:
        self._deaf = True
        self.transport.close()


def bounded(limits: ConnectionLimits) -> type[BoundedProtocol]:
    """The protocol class for `uvicorn.Config(http=...)`."""
    return type("BoundedProtocol", (BoundedProtocol,), {"limits": limits})
