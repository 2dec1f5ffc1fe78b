"""Applies the limits of a client's connection: time and size of requests, idle time, number of connections.

uvicorn's protocol has none of these limits.

```
connected ── first byte ──> head ── complete ──> body ── complete ──> response ── read ──> idle ── first byte ──> ...
    └── head_seconds ─────────┘ 408                │                      └─ keep_alive_seconds ─┘ closed
                  │           └ head_bytes: 431    │
                  └── request_seconds ─────────────┘ 408
```

- A head (request line and headers) is limited in time, size and number of fields. Without limits, a client that sends a
  few bytes a minute on many connections keeps the server's file descriptors in use ("slow-loris"), and a client that
  sends an endless head fills the server's memory. Trailers and chunk extensions count like a head.
  `servicekit.http_requests` reads requests.
- A request, which is a head and a body, is limited in time as a whole. If the response is sent before the whole body
  has arrived, the rest of the body is discarded, up to a limit.
- A client that does not read its response is disconnected.
- Requests of one connection are processed one after the other. While requests wait, nothing more is read from the
  connection, and only a few requests may wait.
- A request starts when `servicekit.request_admission` admits it, and may be refused after its head was read.
- If too many connections are open, the connection that has been idle longest is closed.
- A connection is closed after a number of requests, so that clients behind a load balancer move to new processes.

The parser reports a field only when the field is complete, so the parser cannot notice an endless field. Therefore,
this module counts bytes when they arrive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from uvicorn.protocols.http.flow_control import FlowControl

from servicekit.bounded_close import ClientTransport
from servicekit.http_admission import AdmittedRequests
from servicekit.http_limits import MAX_DISCARDED
from servicekit.message_reading import TIMEOUT, TOO_LARGE, refusal
from servicekit.silent_connections import SilentConnection
from servicekit.tls.peer import with_peer

if TYPE_CHECKING:
    import asyncio
    import http

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from servicekit.http_limits import ConnectionLimits
    from servicekit.request_admission import RequestAdmission

_log = structlog.stdlib.get_logger("server")


class _Flow(FlowControl):
    """uvicorn's flow control with an additional attribute `is_held`. While it is true, reading is not resumed.

    `is_held` is true while requests wait in the pipeline, or after too many received bytes were discarded.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self.is_held = False

    def resume_reading(self) -> None:
        if not self.is_held:
            super().resume_reading()


class BoundedProtocol(AdmittedRequests, SilentConnection):
    """uvicorn's HTTP/1.1 protocol with the default `ConnectionLimits`.

    `bounded` returns a subclass with other limits.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = self.limits.keep_alive_seconds  # type: ignore[assignment]  # a timer takes fractions
        self._timer: asyncio.TimerHandle | None = None  # the time limit of the head or body being received
        self._write_timer: asyncio.TimerHandle | None = None
        self._requests = 0
        self._discarded = 0
        self._join_server(self.server_state)

    # The event loop calls the following methods.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        self.app = with_peer(self.app, transport)
        self.flow = self._flow = _Flow(transport)
        self._client = ClientTransport(transport, self.loop, self.limits.keep_alive_seconds, self._is_receiving)
        self._timer = self.loop.call_later(self.limits.head_seconds, self._expired)
        self._begin_silence()
        self._make_room(self.connections)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self.resume_writing()
        self._end_silence()
        self._client.lost()
        if self._running is not None and not self._running.response_complete:
            # uvicorn marks only the request that was read last as disconnected. That request may still wait in the
            # pipeline, so the running request is marked here.
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.limits.keep_alive_seconds, self.transport.abort)
        self._update_silent()

    def resume_writing(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()
        self._update_silent()

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._ignores_input or self._client.is_closing():
            self._discard(len(data))
            return
        if self._began is None:
            self._began = self.loop.time()
        if self._in_head:
            self._head_size += len(data)
        else:
            self._framing.read(len(data))
        self._parse(data)
        if not (self._is_upgrading or self._ignores_input):
            self._check_progress()

    def _check_progress(self) -> None:
        """After a read, check the sizes. If a head or body is not complete, start the timer that limits its time."""
        if self._in_head and self._head_size > self.limits.head_bytes:
            self.refuse(TOO_LARGE, "the head is too large")
        elif not self._in_head and self._framing.is_exceeded:
            self.refuse(TOO_LARGE, "trailers and chunk extensions are too large")
        elif self._timer is None and (self._began is not None or self._head_begun):
            if self._began is None:  # this request began in the same read in which the previous request ended
                self._began = self.loop.time()
            seconds = self.limits.head_seconds if self._in_head else self.limits.request_seconds
            self._timer = self.loop.call_at(self._began + seconds, self._expired)
        elif self._timer is None and self.timeout_keep_alive_task is None and not self._is_responding():
            # The response was complete before the body of the request. uvicorn started the timer for idle connections
            # at the end of the response, but stopped it when the rest of the body arrived. So the timer is started
            # again here.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    # `StrictRequests` calls the following methods: `_begin_message` after the head of a request, and `_end_message`
    # after its body.

    def _begin_message(self, cycle: RequestResponseCycle) -> None:
        self._stop_timer()
        self._discarded = 0
        cycle.transport = self._client  # type: ignore[assignment]  # has the methods that a cycle uses
        if self.parser.get_http_version() == "1.0":
            cycle.waiting_for_100_continue = False  # HTTP/1.0 clients do not know `100 Continue` (RFC 9110 §10.1.1)
        self._requests += 1
        most = self.limits.keep_alive_requests
        if most is not None and self._requests >= most:
            cycle.keep_alive = False
        self._flow.is_held = bool(self.pipeline)
        self._admit_received(cycle)

    def _end_message(self) -> None:
        self._stop_timer()
        if self._is_responding():
            self._end_silence()

    # uvicorn calls the following methods.

    def on_response_complete(self) -> None:
        self._begin_silence()
        if self._client.is_closing():
            self.pipeline.clear()
        self._flow.is_held = len(self.pipeline) > 1
        super().on_response_complete()
        self._update_silent()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection.

        If the client has not read its whole response, the connection is aborted, because an ordinary close would wait
        until the client reads.
        """
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    # The following methods concern the end of a connection.

    def abort(self) -> None:
        self.transport.abort()

    def _is_write_paused(self) -> bool:
        return self.flow.write_paused

    def refuse(self, status: http.HTTPStatus, reason: str) -> None:
        """Refuse the request that the client is sending, and close the connection.

        An incomplete response to an earlier request is completed first.
        """
        self._ignores_input = True
        self._stop_timer()
        self._keep_silence()
        running = self._running if self._is_responding() else None
        if running is not None and running is not self._received:
            self.pipeline.clear()
            self._flow.is_held = False
            running.keep_alive = False
        elif self._received is not None and self._received.response_started:
            # The response has already begun. The client would read an error response as part of that response.
            self._end(running)
            self._client.close()
        else:
            self._end(running)
            # The application never gets this request, so it is logged here.
            _log.info("request refused", status=status.value, reason=reason)
            self._client.write(refusal(status, reason))
            self._client.close()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded <= MAX_DISCARDED:
            return
        if self._is_responding():
            self._flow.is_held = True
            self._flow.pause_reading()
        else:
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expired(self) -> None:
        self._timer = None
        if self._in_head and not self._head_begun and not self._is_responding():
            self._client.close()  # the client has opened the connection but sent nothing, so no error is sent
        else:
            self.refuse(TIMEOUT, "the request did not arrive in time")


def bounded(limits: ConnectionLimits, admission: RequestAdmission | None = None) -> type[BoundedProtocol]:
    """Return a class for `uvicorn.Config(http=...)` that applies `limits`. `admission` decides when requests start."""
    return type("BoundedProtocol", (BoundedProtocol,), {"limits": limits, "admission": admission})
