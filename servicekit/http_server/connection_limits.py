"""Applies the limits of a client's connection: time and size of requests, idle time, number of connections.

`servicekit.http_protocol` explains the limits, and applies them to uvicorn's protocol. Here, a connection has one
deadline at a time: for the head or the body that it receives, or, while it is idle, for the next request.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import structlog

from servicekit.http_limits import MAX_DISCARDED
from servicekit.http_server.response_flow import ResponseFlow
from servicekit.message_reading import TIMEOUT, TOO_LARGE, refusal
from servicekit.moving_deadline import MovingDeadline
from servicekit.silent_connections import SilentConnection

if TYPE_CHECKING:
    import asyncio
    import http

    from servicekit.http_server.exchange import Exchange

_log = structlog.stdlib.get_logger("server")


class LimitedConnection(ResponseFlow, SilentConnection):
    """A connection that ends when a limit is reached. The subclass starts the requests."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline = MovingDeadline(self._loop, self._expired)
        self._running: Exchange | None = None  # has started, waits for its start, or has its response
        self._pipeline: deque[Exchange] = deque()
        self._discarded = 0
        self._join_server(self._server_state)

    # The event loop calls the following methods.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        connections: set[Any] = self._server_state.connections
        connections.add(self)
        self._deadline.move(self._loop.time() + self.limits.head_seconds)
        self._begin_silence()
        self._make_room(connections)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        connections: set[Any] = self._server_state.connections
        connections.discard(self)
        self._deadline.close()
        self.resume_writing()
        self._end_silence()
        self._client.lost()
        for exchange in (self._running, *self._pipeline):
            if exchange is not None and not exchange.response_complete:
                exchange.disconnect()
        self._pipeline.clear()
        self._running = self._received = self._known = None
        del self._parser  # it refers to this object, and only the garbage collector would free such a cycle

    def pause_writing(self) -> None:
        super().pause_writing()
        self._update_silent()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._update_silent()

    # The following methods concern the limits.

    def _check_progress(self) -> None:
        """After a read, check the sizes of an incomplete head or body, and set the deadline."""
        if self._in_head and self._head_size > self.limits.head_bytes:
            self.refuse(TOO_LARGE, "the head is too large")
        elif not self._in_head and self._framing.is_exceeded:
            self.refuse(TOO_LARGE, "trailers and chunk extensions are too large")
        else:
            self._set_deadline()

    def _set_deadline(self) -> None:
        if not self._is_between_requests():
            if self._began is None:  # this request began in the same read in which the previous request ended
                self._began = self._loop.time()
            seconds = self.limits.head_seconds if self._in_head else self.limits.request_seconds
            self._deadline.move(self._began + seconds)
        elif self._is_responding():
            self._deadline.remove()
        else:
            self._deadline.move(self._loop.time() + self.limits.keep_alive_seconds)

    def _is_responding(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def _is_write_paused(self) -> bool:
        return self.is_write_paused

    def abort(self) -> None:
        self._transport.abort()

    def refuse(self, status: http.HTTPStatus, reason: str) -> None:
        """Refuse the request that the client is sending, and close the connection.

        An incomplete response to an earlier request is completed first.
        """
        self._ignores_input = True
        self._deadline.remove()
        self._keep_silence()
        running = self._running if self._is_responding() else None
        if running is not None and running is not self._received:
            self._pipeline.clear()
            self._is_held = False
            running.keep_alive = False
            return
        has_begun = self._received is not None and self._received.response_started
        if running is not None:
            running.disconnect()
        if not has_begun:  # otherwise, the client would read an error response as part of the response
            # The application never gets this request, so it is logged here.
            _log.info("request refused", status=status.value, reason=reason)
            self.write((refusal(status, reason),))
        self._client.close()

    def shutdown(self) -> None:
        """Called by uvicorn's server when it stops. The connection is closed after the last response."""
        if not self._is_responding():
            self._transport.close()
            return
        last = self._pipeline[-1] if self._pipeline else self._running
        if last is not None:
            last.keep_alive = False

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded <= MAX_DISCARDED:
            return
        if self._is_responding():
            self._is_held = True
            self.pause_reading()
        else:
            self._transport.abort()

    def _expired(self) -> None:
        if not self._in_head or self._head_begun or self._is_responding():
            self.refuse(TIMEOUT, "the request did not arrive in time")
        elif self._transport.get_write_buffer_size():  # an ordinary close would wait until the client reads
            self._transport.abort()
        else:
            self._client.close()  # the client has sent no request, so no error is sent
