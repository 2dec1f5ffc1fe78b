"""Closes the connection whose client has been silent longest, when a server has too many connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

from servicekit.message_reading import UNAVAILABLE

if TYPE_CHECKING:
    import http
    from collections.abc import Sized

    from uvicorn.server import ServerState

    from servicekit.http_limits import ConnectionLimits

# For each server, the connections that wait for their client, in the order in which they began to wait.
_silent_of: WeakKeyDictionary[ServerState, dict[SilentConnection, None]] = WeakKeyDictionary()


class SilentConnection:
    """A connection that knows whether the server waits for its client to send a request or to read a response.

    The subclass calls `_join_server` when the connection is created.
    """

    limits: ClassVar[ConnectionLimits]

    def _join_server(self, server_state: ServerState) -> None:
        self._silent = _silent_of.setdefault(server_state, {})

    def _begin_silence(self) -> None:
        """Note that the client has been silent from now on: the connection becomes the last one."""
        self._silent.pop(self, None)
        self._silent[self] = None

    def _keep_silence(self) -> None:
        """Note that the client is silent, since now or since an earlier time."""
        self._silent.setdefault(self)

    def _end_silence(self) -> None:
        self._silent.pop(self, None)

    def _update_silent(self) -> None:
        """Note whether the server is waiting for the client to send a request or to read a response."""
        if not self._is_responding() or self._is_receiving() or self._is_write_paused():
            self._keep_silence()
        else:
            self._end_silence()

    def _make_room(self, connections: Sized) -> None:
        """Close one connection, if there are too many.

        The connection whose client has been silent longest is closed. A connection is not closed while the
        server is working on its request. If no other connection can be closed, this new one is refused.
        """
        if len(connections) <= self.limits.max_connections:
            return
        longest = next(iter(self._silent))
        if longest is self:
            self.refuse(UNAVAILABLE, "too many connections are open")
        else:
            del self._silent[longest]
            longest.abort()

    # The subclass, or another of its base classes, implements the following methods.

    def refuse(self, status: http.HTTPStatus, reason: str) -> None:
        """Refuse the request that the client is sending, and close the connection."""
        raise NotImplementedError

    def abort(self) -> None:
        """Close the connection at once."""
        raise NotImplementedError

    def _is_responding(self) -> bool:
        """Return whether a request is being processed."""
        raise NotImplementedError

    def _is_receiving(self) -> bool:
        """Return whether a part of a request has still to be received."""
        raise NotImplementedError

    def _is_write_paused(self) -> bool:
        """Return whether the client does not read its response."""
        raise NotImplementedError
