"""The writing side of a client's connection: writes after closing are discarded, and closing ends in limited time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

# After the response, a client that is still sending its request gets this time to read the response. If the server
# closed the connection at once, the client's system would discard the response (RFC 9112 §9.6).
LINGER_SECONDS = 2.0


class ClientTransport:
    """A transport that discards what is written after it was closed.

    Before the connection is closed, buffered data is sent. If the client does not read this data within `patience`
    seconds, it is disconnected. `is_receiving` returns whether the client still sends a request. If so, only the
    sending side is closed at first.
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
        if not self.is_closing():
            self._transport.write(data)

    def is_closing(self) -> bool:
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        if self.is_closing():
            return
        self._closing = True
        if self._is_receiving() and self._transport.can_write_eof():
            self._transport.write_eof()
            self._transport.resume_reading()  # to notice when the client closes, too
            self._timer = self._loop.call_later(min(LINGER_SECONDS, self._patience), self._transport.abort)
            return
        if self._transport.get_write_buffer_size():
            self._timer = self._loop.call_later(self._patience, self._transport.abort)
        self._transport.close()

    def lost(self) -> None:
        """Stop the timer: the connection is closed."""
        if self._timer is not None:
            self._timer.cancel()
