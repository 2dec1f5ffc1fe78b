"""A transport that closes the connection to a client within a limited time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

# A server may respond before it has received the whole request. If it then closed the connection immediately, the
# client's operating system would discard the response (RFC 9112 §9.6). So the client gets this time to read the
# response.
LINGER_SECONDS = 2.0


class ClientTransport:
    """A transport for a connection to a client. Data that is written after `close` is discarded.

    `close` sends the buffered data before it closes the connection. If the client does not read this data within
    `patience` seconds, the connection is aborted. `is_receiving` returns whether the server is still receiving a
    request. In this case, `close` first closes only the server's sending direction, so that the client can read the
    response.
    """

    __slots__ = ("_closing", "_is_receiving", "_loop", "_patience", "_timer", "_transport")

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        patience: float,
        is_receiving: Callable[[], bool],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._patience = patience
        self._is_receiving = is_receiving
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None

    def write(self, data: bytes) -> None:
        if not (self._closing or self._transport.is_closing()):  # `is_closing` would be a call more for each response
            self._transport.write(data)

    def is_closing(self) -> bool:
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        if self.is_closing():
            return
        self._closing = True
        if self._is_receiving() and self._transport.can_write_eof():
            self._transport.write_eof()
            self._transport.resume_reading()  # without reading, nobody would notice that the client has closed
            self._timer = self._loop.call_later(min(LINGER_SECONDS, self._patience), self._transport.abort)
            return
        if self._transport.get_write_buffer_size():
            self._timer = self._loop.call_later(self._patience, self._transport.abort)
        self._transport.close()

    def lost(self) -> None:
        """Stop the timer. Called when the connection is closed."""
        if self._timer is not None:
            self._timer.cancel()
        # `is_receiving` usually belongs to an object that refers to this one. Without this reference cycle, the memory
        # of the connection is released now, and not when the garbage collector finds it.
        self._is_receiving = _not_receiving


def _not_receiving() -> bool:
    return False
