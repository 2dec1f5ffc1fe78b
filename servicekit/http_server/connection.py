"""The connection of a client: it starts the requests in their order, when `servicekit.request_admission` admits them.

A request that has arrived completely goes to the direct handler, if there is one and if it takes the request. All
others go to the ASGI application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from servicekit.http_limits import MAX_PIPELINED
from servicekit.http_server.connection_limits import LimitedConnection
from servicekit.http_server.exchange import Exchange

if TYPE_CHECKING:
    from servicekit.http_limits import ConnectionLimits
    from servicekit.http_server.messages import DirectApplication, RequestHead
    from servicekit.request_admission import RequestAdmission


class ServerConnection(LimitedConnection):
    """The protocol of a connection with the default `ConnectionLimits`.

    `connections` returns a subclass with other limits.
    """

    admission: ClassVar[RequestAdmission | None] = None
    direct_application: ClassVar[DirectApplication | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._to_start: Exchange | None = None  # starts when the data that was read has been parsed
        self._requests = 0

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._to_start = None

    def data_received(self, data: bytes) -> None:
        if self._ignores_input or self._client.is_closing():
            self._discard(len(data))
            return
        if self._is_known(data):
            self._receive_known(data)
        else:
            self._receive_parsed(data)
        self._start_received()
        if not self._ignores_input:
            self._check_progress()

    def _receive_parsed(self, data: bytes) -> None:
        is_between_requests = self._is_between_requests()
        if self._began is None:
            self._began = self._loop.time()
        if self._in_head:
            self._head_size += len(data)
        else:
            self._framing.read(len(data))
        self._parse(data)
        if is_between_requests and self._to_start is not None and self._to_start.is_whole:
            self._remember_head(data, self._to_start.head)

    def _start_received(self) -> None:
        exchange, self._to_start = self._to_start, None
        if exchange is None:
            return
        if exchange.disconnected:  # it was refused because of its body
            self._running = None
        else:
            self._admit(exchange)

    # `RequestParsing` calls the following methods.

    def _has_room_for_request(self) -> bool:
        return len(self._pipeline) < MAX_PIPELINED

    def _begin_message(self, head: RequestHead) -> Exchange:
        exchange = Exchange(self, head)
        self._discarded = 0
        self._requests += 1
        most = self.limits.keep_alive_requests
        if most is not None and self._requests >= most:
            exchange.keep_alive = False
        if self._is_responding():
            self._pipeline.append(exchange)
            self._is_held = True
            self.pause_reading()
        else:
            self._running = self._to_start = exchange
        return exchange

    def _end_message(self, exchange: Exchange) -> None:
        exchange.end_request()
        if self._is_responding():
            self._end_silence()

    # `Exchange` and `RequestAdmission` call the following methods.

    def start_task(self, exchange: Exchange) -> None:
        """See `ResponseChannel.start_task`. A whole request goes to the direct handler, if it takes the request."""
        application = self.direct_application
        work = application.direct(exchange) if application is not None and exchange.is_whole else None
        if work is None or application is None:
            coroutine = exchange.run_application(self._app)
        else:
            coroutine = exchange.run_directly(work, application.refuse)
        exchange.task = task = self._loop.create_task(coroutine)
        self._server_state.tasks.add(task)

    def end_task(self, exchange: Exchange) -> None:
        """See `ResponseChannel.end_task`."""
        task, exchange.task = exchange.task, None
        if task is not None:
            self._server_state.tasks.discard(task)
        if self.admission is not None:
            self.admission.end()

    def end_response(self, exchange: Exchange) -> None:
        """See `ResponseChannel.end_response`. The next request of the pipeline starts."""
        if self._running is exchange:
            self._running = None
        self._begin_silence()
        if self._client.is_closing():
            self._pipeline.clear()
        self._is_held = len(self._pipeline) > 1
        if self._transport.is_closing():
            return
        self.resume_reading()
        if self._pipeline:
            self._running = self._pipeline.popleft()
            self._admit(self._running)
        else:
            self._set_deadline()
        self._update_silent()

    def _admit(self, exchange: Exchange) -> None:
        admission = self.admission
        if admission is None or admission.enter():
            self.start_task(exchange)
        else:
            admission.wait(exchange)


def connections(
    limits: ConnectionLimits,
    admission: RequestAdmission | None = None,
    direct_application: DirectApplication | None = None,
) -> type[ServerConnection]:
    """Return a class for `uvicorn.Config(http=...)` that applies `limits`. `admission` decides when requests start."""
    attributes = {"limits": limits, "admission": admission, "direct_application": direct_application}
    return type("ServerConnection", (ServerConnection,), attributes)
