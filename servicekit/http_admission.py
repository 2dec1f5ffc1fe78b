"""Asks before a request starts: `servicekit.request_admission` starts it, delays it, or refuses it.

uvicorn starts a request as soon as its head was read, or when the earlier requests of its connection have responses.
Here, the admission is asked at that moment. A refused request never reaches the application: its response is written at
once, and its body is discarded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from servicekit.http_requests import StrictRequests

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from servicekit.asgi import Receive, Scope, Send
    from servicekit.bounded_close import ClientTransport
    from servicekit.request_admission import Refusal, RequestAdmission


class AdmittedRequests(StrictRequests):
    """A protocol whose requests start when `admission` admits them, or at once without an admission.

    The subclass calls `_admit_received` when the head of a request was read.
    """

    admission: ClassVar[RequestAdmission | None] = None
    _client: ClientTransport  # the subclass sets it when the connection is made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._running: RequestResponseCycle | None = None  # has started, waits for its start, or has its response
        self._counted_app: ASGI3Application | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        del app  # always `self.app`, because uvicorn has no limit here
        self._running = cycle
        if not self._is_creating_cycle:  # otherwise, `_begin_message` follows, which first completes the cycle
            self._admit(cycle)

    def _admit_received(self, cycle: RequestResponseCycle) -> None:
        if self._running is cycle:  # otherwise, it waits for the response to an earlier request
            self._admit(cycle)

    def _admit(self, cycle: RequestResponseCycle) -> None:
        admission = self.admission
        if admission is None:
            super()._start_asgi_task(cycle, self.app)
        elif admission.enter():
            self.run_admitted(cycle, admission)
        else:
            admission.wait(_AdmittedCycle(self, cycle, admission))

    # `_AdmittedCycle` calls the following methods.

    def run_admitted(self, cycle: RequestResponseCycle, admission: RequestAdmission) -> None:
        """Run the application. Afterwards, call `admission.end()`."""
        if self._counted_app is None:
            self._counted_app = _counted(self.app, admission)
        super()._start_asgi_task(cycle, self._counted_app)

    def send_refusal(self, cycle: RequestResponseCycle, refusal: Refusal) -> None:
        """Send a response without running the application."""
        if cycle.waiting_for_100_continue:
            cycle.keep_alive = False  # the client may send the body, or not (RFC 9110 §10.1.1)
        cycle.response_started = cycle.response_complete = True
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        body = b"" if cycle.scope["method"] == "HEAD" else refusal.body
        self._client.write(refusal.head + end + body)
        if not cycle.keep_alive:
            self._client.close()
        cycle.on_response()

    def _is_responding(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def _end(self, running: RequestResponseCycle | None) -> None:
        """If the application still works on the `running` request, tell it that the client is gone."""
        if running is not None:
            running.disconnected = True
            running.message_event.set()


class _AdmittedCycle:
    """A request of a connection that cannot start at once, for `RequestAdmission`."""

    __slots__ = ("_admission", "_cycle", "_protocol")

    def __init__(self, protocol: AdmittedRequests, cycle: RequestResponseCycle, admission: RequestAdmission) -> None:
        self._protocol, self._cycle, self._admission = protocol, cycle, admission

    @property
    def scope(self) -> Scope:
        return self._cycle.scope  # type: ignore[return-value]  # a mapping with the same keys

    def start(self) -> None:
        self._protocol.run_admitted(self._cycle, self._admission)

    def refuse(self, refusal: Refusal) -> None:
        self._protocol.send_refusal(self._cycle, refusal)

    def is_gone(self) -> bool:
        return self._cycle.disconnected


def _counted(app: ASGI3Application, admission: RequestAdmission) -> ASGI3Application:
    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)  # type: ignore[arg-type]  # uvicorn has its own types for the same values
        finally:
            admission.end()

    return counted  # type: ignore[return-value]  # the same
