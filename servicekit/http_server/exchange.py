"""One request with its response: `send` of ASGI, or the coroutine of a direct handler."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from servicekit.http_server.messages import WholeResponse
from servicekit.http_server.received_request import ReceivedRequest, RequestChannel
from servicekit.http_server.response_heads import BODILESS, STATUS_LINES, framing_of

if TYPE_CHECKING:
    from typing import Any

    from servicekit.asgi import ASGIApp, Message
    from servicekit.http_server.messages import DirectWork, RequestHead
    from servicekit.request_admission import Refusal

_log = structlog.stdlib.get_logger("server")

_CLOSE: Final = b"connection: close\r\n"
_ERROR_HEADERS: Final = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"21"),
    (b"connection", b"close"),
)
_ERROR_BODY: Final = b"Internal Server Error"


class ResponseChannel(RequestChannel, Protocol):
    """What an exchange needs from its connection."""

    is_write_paused: bool

    def start_task(self, exchange: Exchange) -> None:
        """Run the application in a task."""

    async def drain(self) -> None:
        """Wait until the client has read enough of what was sent."""

    def close(self) -> None:
        """Close the connection after the data that was sent."""

    def date_line(self) -> bytes:
        """Return the header `Date`, with its line end."""

    def end_response(self, exchange: Exchange) -> None:
        """Called when the response is complete."""

    def end_task(self, exchange: Exchange) -> None:
        """Called at the end of the task."""


class Exchange(ReceivedRequest):
    """One request and its response. It is an `AdmittedRequest`.

    Attributes:
        keep_alive: whether the connection stays open after the response.
        response_started: whether the head of the response was sent.
    """

    __slots__ = ("_is_chunked", "_remaining", "keep_alive", "response_started")

    _channel: ResponseChannel

    def __init__(self, channel: ResponseChannel, head: RequestHead) -> None:
        super().__init__(channel, head)
        self.keep_alive = head.keep_alive
        self.response_started = False
        self._is_chunked = False
        self._remaining: int | None = None  # the bytes of the body that the application must still send

    # `RequestAdmission` calls the following methods.

    def start(self) -> None:
        """See `AdmittedRequest.start`."""
        self._channel.start_task(self)

    def is_gone(self) -> bool:
        """See `AdmittedRequest.is_gone`."""
        return self.disconnected

    def refuse(self, refusal: Refusal) -> None:
        """See `AdmittedRequest.refuse`. The application never gets the request."""
        if self._waits_to_continue:
            self.keep_alive = False  # the client may send the body, or not (RFC 9110 §10.1.1)
        self.response_started = self.response_complete = True
        end = b"\r\n" if self.keep_alive else _CLOSE + b"\r\n"
        body = b"" if self.head.method == "HEAD" else refusal.body
        self._channel.write((refusal.head, end, body))
        self._finish()

    # The task runs one of the following coroutines.

    async def run_directly(self, work: DirectWork, refuse: ASGIApp) -> None:
        """Send the response that `work` returns. If the process stops meanwhile, run `refuse`."""
        self.is_cancellable = True
        try:
            response = await work
            if self.disconnected:
                return
            if isinstance(response, WholeResponse):
                if self._channel.is_write_paused:
                    await self._channel.drain()
                self._send_whole(response)
            else:
                await response(self.send)
        except asyncio.CancelledError:
            self.is_cancellable = False
            if not self.disconnected and not self.response_started:
                await refuse(self.scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001  (the client gets 500, the log the traceback)
            await self._fail(error)
        finally:
            self.is_cancellable = False
            self._channel.end_task(self)

    async def run_application(self, app: ASGIApp) -> None:
        """Run an ASGI application."""
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException as error:  # noqa: BLE001  (the client gets 500, the log the traceback)
            await self._fail(error)
        else:
            if not self.response_complete and not self.disconnected:
                _log.error("the application has returned without a complete response")
                await self._respond_500_or_close()
        finally:
            self._channel.end_task(self)

    async def _fail(self, error: BaseException) -> None:
        _log.error("the application has raised an exception", exc_info=error)
        await self._respond_500_or_close()

    async def _respond_500_or_close(self) -> None:
        if self.response_started:
            self._channel.close()
            return
        await self.send({"type": "http.response.start", "status": 500, "headers": _ERROR_HEADERS})
        await self.send({"type": "http.response.body", "body": _ERROR_BODY})

    # The application calls the following method (ASGI).

    async def send(self, message: Message) -> None:
        """Send a message to the client.

        Raises:
            RuntimeError: the message is not valid, or not valid now.
        """
        if self._channel.is_write_paused and not self.disconnected:
            await self._channel.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if not self.response_started:
            if kind != "http.response.start":
                raise RuntimeError(f"the first message of a response is {kind}")
            self._send_head(message["status"], message.get("headers", ()))
        elif self.response_complete or kind != "http.response.body":
            raise RuntimeError(f"the message {kind} is not expected now")
        else:
            self._send_body(message.get("body", b""), is_last=not message.get("more_body", False))

    def _send_head(self, status: int, headers: Any) -> None:
        framing = framing_of(headers)
        self.response_started = True
        self._waits_to_continue = False
        self._remaining, self._is_chunked = framing.content_length, framing.is_chunked
        lines = framing.lines
        if framing.closes:
            self.keep_alive = False
        elif not self.keep_alive:
            lines += _CLOSE
        has_body = self.head.method != "HEAD" and status not in BODILESS
        if self._remaining is None and not self._is_chunked and has_body:
            self._is_chunked = True
            lines += b"transfer-encoding: chunked\r\n"
        self._channel.write((STATUS_LINES[status], self._channel.date_line(), lines, b"\r\n"))

    def _send_body(self, body: bytes, *, is_last: bool) -> None:
        """Send a part of the body.

        Raises:
            RuntimeError: the body is longer or shorter than its announced length.
        """
        if self.head.method == "HEAD":
            self._remaining = 0
        elif self._is_chunked:
            parts = (b"%x\r\n" % len(body), body, b"\r\n") if body else ()
            self._channel.write((*parts, b"0\r\n\r\n") if is_last else parts)
        else:
            self._remaining = (self._remaining or 0) - len(body)
            if self._remaining < 0:
                raise RuntimeError("the body of a response is longer than its Content-Length")
            self._channel.write((body,))
        if is_last:
            if self._remaining:
                raise RuntimeError("the body of a response is shorter than its Content-Length")
            self.response_complete = True
            self._notify()
            self._finish()

    def _send_whole(self, response: WholeResponse) -> None:
        self.response_started = self.response_complete = True
        channel = self._channel
        if response.closes:
            self.keep_alive = False
        end = b"\r\n" if self.keep_alive else _CLOSE + b"\r\n"
        channel.write((STATUS_LINES[response.status], channel.date_line(), response.head, end, response.body))
        self._finish()

    def _finish(self) -> None:
        if not self.keep_alive:
            self._channel.close()
        self._channel.end_response(self)
