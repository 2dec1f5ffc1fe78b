"""A request that is being received: `receive` of ASGI, and what the connection reports."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

from servicekit.request_admission import WAITED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicekit.asgi import Message, Scope
    from servicekit.http_server.messages import RequestHead

MAX_BUFFERED: Final = 65_536
"""If the application has not read this number of bytes of a body, no more are received."""


class RequestChannel(Protocol):
    """What a request needs from its connection."""

    def write(self, parts: Sequence[bytes]) -> None:
        """Send bytes to the client."""

    def resume_reading(self) -> None:
        """Receive more of the request."""

    def pause_reading(self) -> None:
        """Receive nothing more for now."""

    def is_closing(self) -> bool:
        """Whether nothing more can be sent."""

    def new_state(self) -> dict[str, Any]:
        """Return a copy of the state of the ASGI application."""


class ReceivedRequest:
    """A request of a client. It is a `WholeRequest` if `is_whole`.

    Attributes:
        head: the head of the request.
        is_whole: whether the whole body has arrived.
        disconnected: whether the client is gone, or does not send the rest of its request.
        response_complete: whether the whole response was sent.
        is_cancellable: whether the task that processes the request ends when the client is gone.
        task: the task that processes the request; None before and after.
    """

    __slots__ = (
        "_body",
        "_channel",
        "_has_news",
        "_reader",
        "_scope",
        "_waits_to_continue",
        "disconnected",
        "head",
        "is_cancellable",
        "is_whole",
        "response_complete",
        "task",
    )

    def __init__(self, channel: RequestChannel, head: RequestHead) -> None:
        self._channel = channel
        self.head = head
        self._waits_to_continue = head.expects_continue
        self._body: bytes | bytearray = b""
        self._scope: Scope | None = None
        self._reader: asyncio.Future[None] | None = None  # the application waits for a message
        self._has_news = False
        self.is_whole = self.disconnected = self.response_complete = self.is_cancellable = False
        self.task: asyncio.Task[None] | None = None

    @property
    def body(self) -> bytes:
        """The part of the body that has arrived."""
        return bytes(self._body)

    @property
    def scope(self) -> Scope:
        """The ASGI scope."""
        if self._scope is None:
            self._scope = self.head.scope(self._channel.new_state())
        return self._scope

    @property
    def seconds_waited(self) -> float:
        """How long the request has waited for its start."""
        return self._scope["state"].get(WAITED, 0.0) if self._scope is not None else 0.0

    # The connection calls the following methods.

    def receive_body(self, part: bytes) -> None:
        """Add a part of the body."""
        if not self._body:
            self._body = part
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += part
        if len(self._body) > MAX_BUFFERED and not self.is_whole:
            self._channel.pause_reading()
        self._notify()

    def end_request(self) -> None:
        """Note that the whole body has arrived."""
        self.is_whole = True
        self._notify()

    def disconnect(self) -> None:
        """Tell the application that the client is gone."""
        self.disconnected = True
        self._notify()
        if self.is_cancellable and self.task is not None:
            self.task.cancel()

    def _notify(self) -> None:
        self._has_news = True
        reader = self._reader
        if reader is not None and not reader.done():
            reader.set_result(None)

    # The application calls the following method (ASGI).

    async def receive(self) -> Message:
        """Return the next message of the client."""
        channel = self._channel
        if self._waits_to_continue and not channel.is_closing():
            channel.write((b"HTTP/1.1 100 Continue\r\n\r\n",))
            self._waits_to_continue = False
        if not self.disconnected and not self.response_complete:
            channel.resume_reading()
            await self._wait_for_news()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self._body = self.body, b""
        return {"type": "http.request", "body": body, "more_body": not self.is_whole}

    async def _wait_for_news(self) -> None:
        if not self._has_news:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        self._has_news = False
