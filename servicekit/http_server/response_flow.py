"""Sends responses to a client, and stops receiving or sending while the other side is slow."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, cast

from servicekit.bounded_close import ClientTransport
from servicekit.http_server.messages import ConnectionFacts
from servicekit.http_server.request_parsing import RequestParsing
from servicekit.tls.peer import peer_extensions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uvicorn import Config
    from uvicorn.server import ServerState

    from servicekit.http_server.messages import Address

# A larger body is not copied behind its head.
_COPIED = 65_536


class ResponseFlow(RequestParsing):
    """A protocol that has a transport. uvicorn's server creates one for each connection.

    While the attribute `_is_held` is true, nothing is received: requests wait in the pipeline, or too many received
    bytes were discarded.
    """

    # For all connections of the process, the header `Date` and the list of uvicorn's server from which it was made.
    _date: ClassVar[tuple[object, bytes]] = (None, b"")

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__()
        if not config.loaded:
            config.load()
        self._app = config.loaded_app
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self.is_write_paused = False
        self._is_read_paused = False
        self._is_held = False
        self._drained: asyncio.Future[None] | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        patience = self.limits.keep_alive_seconds
        self._client = ClientTransport(self._transport, self._loop, patience, self._is_receiving)
        self._facts = ConnectionFacts(
            _address(transport.get_extra_info("peername")),
            _address(transport.get_extra_info("sockname")),
            "https" if transport.get_extra_info("sslcontext") is not None else "http",
            peer_extensions(self._transport),  # who the client is, with mutual TLS
        )

    # The event loop calls the following methods.

    def pause_writing(self) -> None:
        self.is_write_paused = True
        self._write_timer = self._loop.call_later(self.limits.keep_alive_seconds, self._transport.abort)

    def resume_writing(self) -> None:
        self.is_write_paused = False
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    # `Exchange` calls the following methods.

    def write(self, parts: Sequence[bytes]) -> None:
        """See `ResponseChannel.write`."""
        client = self._client
        if len(parts) > 1 and len(parts[-1]) > _COPIED:
            client.write(b"".join(parts[:-1]))
            client.write(parts[-1])
        else:
            client.write(b"".join(parts))

    async def drain(self) -> None:
        """See `ResponseChannel.drain`."""
        while self.is_write_paused:
            if self._drained is None or self._drained.done():
                self._drained = self._loop.create_future()
            await self._drained

    def pause_reading(self) -> None:
        """See `ResponseChannel.pause_reading`."""
        if not self._is_read_paused:
            self._is_read_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """See `ResponseChannel.resume_reading`."""
        if self._is_read_paused and not self._is_held:
            self._is_read_paused = False
            self._transport.resume_reading()

    def is_closing(self) -> bool:
        """See `ResponseChannel.is_closing`."""
        return self._client.is_closing()

    def close(self) -> None:
        """See `ResponseChannel.close`."""
        self._client.close()

    def date_line(self) -> bytes:
        """See `ResponseChannel.date_line`. uvicorn's server makes a new header each second."""
        headers = self._server_state.default_headers
        made_from, lines = ResponseFlow._date
        if made_from is not headers:
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
            ResponseFlow._date = (headers, lines)
        return lines

    def new_state(self) -> dict[str, Any]:
        """See `ResponseChannel.new_state`."""
        return self._app_state.copy()


def _address(name: object) -> Address:
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else None
