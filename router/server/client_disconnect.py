"""Stops processing a request when its client closes the connection.

Watching a connection needs an asyncio task. To start a task takes as much time as to process a very small request. So
watching begins only after `WATCH_AFTER` seconds. If the client disconnects earlier, processing stops when watching
begins.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from servicekit.client_disconnects import until_disconnect

if TYPE_CHECKING:
    from types import TracebackType

    from router.server.request_body import ClientGone
    from servicekit.asgi import Receive

WATCH_AFTER = 0.25


class DisconnectWatch:
    """A context manager that cancels the code inside its `with` statement when the client disconnects.

    The `with` statement then raises an exception of the class `gone`. Read the request's body before the `with`
    statement, because the watcher drops all messages from `receive` until `http.disconnect`.
    """

    def __init__(self, receive: Receive, gone: type[ClientGone]) -> None:
        self._receive = receive
        self._gone = gone
        self._disconnected = False
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._timer = loop.call_later(WATCH_AFTER, self._begin)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
            # The cancelled task refers to this object. Without this reference cycle, the memory of the request is
            # released now, and not when the garbage collector finds it.
            self._watcher = None
        if self._disconnected and kind is asyncio.CancelledError and self._task is not None:
            self._task.uncancel()
            raise self._gone from error

    def _begin(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        await until_disconnect(self._receive)
        self._disconnected = True
        if self._task is not None:
            self._task.cancel()
