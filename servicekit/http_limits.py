"""Limits for a client's connection: time and size of request heads, idle time, requests per connection.

uvicorn's protocol has none of these limits.

```
connected ── first byte ──> head ── complete ──> body, response ──> idle ── first byte ──> head ...
    └── head_seconds ─────────┘ 408                                   └─ keep_alive_seconds ─┘ closed
                              └ head_bytes: 431
```

- A head (request line and headers) is limited in time and size. Without limits, a client that sends a few bytes a
  minute on many connections holds the server's file descriptors ("slow-loris"), and an endless head its memory.
- A connection is closed after a number of requests, so that clients behind a load balancer move to new processes.
- When a client resets its connection, uvicorn learns of it only in the next turn of the event loop. Until then, writes
  are discarded; uvloop would raise, and the log would have a traceback that the client caused.
- A response that the client does not read is discarded after `keep_alive_seconds`; uvicorn would wait without limit.

The parser reports only complete headers, so bytes are counted when they arrive.
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
    """The limits of one connection.

    Attributes:
        head_seconds: time from the connection, or from the first byte of a later request, to the end of its headers.
            30 s is several times what a phone on a bad line needs.
        head_bytes: size of request line and headers; 64 KiB, as in other servers.
        keep_alive_seconds: how long an idle connection stays open. Longer than in the pools of common clients (5 to
            60 s), so that the client closes first and no request meets a closing socket.
        keep_alive_requests: after how many requests the connection is closed; None for no limit.
    """

    head_seconds: float = 30.0
    head_bytes: int = 65_536
    keep_alive_seconds: float = 75.0
    keep_alive_requests: int | None = None


class HeadTooLarge(Exception):
    """Stops the parser; never leaves the protocol."""


class LenientTransport:
    """A transport that discards what is written after it was closed."""

    __slots__ = ("_transport", "close", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.close = transport.close
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if not self.is_closing():
            self._transport.write(data)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with `ConnectionLimits`; `bounded` makes one with other limits."""

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = self.limits.keep_alive_seconds  # type: ignore[assignment]  # a timer takes fractions
        self._head_timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_begun = False
        self._head_size = 0
        self._requests = 0
        self._ignores_input = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        self._lenient_transport = LenientTransport(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._ignores_input:
            return
        if self._in_head:
            self._head_size += len(data)
        super().data_received(data)
        if self._in_head and self._head_begun and not self._ignores_input:
            if self._head_size > self.limits.head_bytes:
                self._refuse(_TOO_LARGE)
            elif self._head_timer is None:
                self._start_head_timer()

    def on_message_begin(self) -> None:
        self._head_begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_head_timer()
        self._head_size = len(self.url) + sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers)
        if self._head_size > self.limits.head_bytes:
            raise HeadTooLarge
        super().on_headers_complete()
        self.cycle.transport = self._lenient_transport  # type: ignore[assignment]  # the methods that a cycle uses
        self._requests += 1
        most = self.limits.keep_alive_requests
        if most is not None and self._requests >= most:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        # The rest of this read belongs to the next head and is not counted; it is less than one read.
        self._in_head, self._head_begun, self._head_size = True, False, 0

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn when the parser fails, which includes a head that is too large."""
        if self._head_size > self.limits.head_bytes:
            self._refuse(_TOO_LARGE)
        elif self._in_head and self._is_responding():
            self._close_after_response()
        elif self._is_responding() and (self.cycle.response_started or self.pipeline):
            self._close()  # the client would take a second status line for a part of the response
        else:
            self._ignores_input = True
            super().send_400_response(msg)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection. If the client does not read its response, closing would wait for it: abort."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _is_responding(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request, although not declared so
        return cycle is not None and not cycle.response_complete

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.head_seconds, self._head_expired)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_expired(self) -> None:
        self._head_timer = None
        if self._head_begun:
            self._refuse(_TIMEOUT)
        else:
            self._close()  # the client opened the connection in advance and never used it

    def _refuse(self, status: http.HTTPStatus) -> None:
        if self._is_responding():
            self._close_after_response()
            return
        _log.info("request head refused", status=status.value)  # the application never sees it and cannot log it
        text = status.phrase.encode()
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        self.transport.write(head.encode() + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(text) + text)
        self._close()

    def _close_after_response(self) -> None:
        """Finish the current response, ignore all further input, and close."""
        self._ignores_input = True
        self.cycle.keep_alive = False

    def _close(self) -> None:
        self._ignores_input = True
        self.transport.close()


def bounded(limits: ConnectionLimits) -> type[BoundedProtocol]:
    """The protocol class for `uvicorn.Config(http=...)`."""
    return type("BoundedProtocol", (BoundedProtocol,), {"limits": limits})
