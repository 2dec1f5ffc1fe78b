"""Applies the limits of a client's connection to WebSockets, which uvicorn serves with the package `websockets`.

A client that does not read is disconnected, as over HTTP (`servicekit.http_protocol`). uvicorn sends a ping of RFC 6455
every 20 s, and closes the connection with the code 1011 if no pong arrives within 20 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from servicekit.tls.peer import with_peer

if TYPE_CHECKING:
    import asyncio

    import uvicorn

# The largest message of a client. A message has one GraphQL operation with its variables.
MAX_MESSAGE_BYTES: Final = 256_000
# How long a client may leave sent data unread when the buffers are full.
UNREAD_SECONDS: Final = 10.0


def serve_websockets(config: uvicorn.Config) -> None:
    """Let a server with this configuration accept WebSockets."""
    config.ws = _bounded_class()
    config.ws_max_size = MAX_MESSAGE_BYTES
    # Compression costs memory for each connection, and the messages are short.
    config.ws_per_message_deflate = False


def _bounded_class() -> type[Any]:
    # The package `websockets` is imported here, because processes without WebSockets do not have it.
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol  # noqa: PLC0415

    class BoundedWebSocket(WebSocketsSansIOProtocol):
        """Aborts the connection if the client does not read for `UNREAD_SECONDS`."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._unread_timer: Any = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self.app = with_peer(self.app, transport)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

        def resume_writing(self) -> None:
            self._stop_unread_timer()
            super().resume_writing()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_unread_timer()
            super().connection_lost(exc)

        def _stop_unread_timer(self) -> None:
            if self._unread_timer is not None:
                self._unread_timer.cancel()
                self._unread_timer = None

    return BoundedWebSocket
