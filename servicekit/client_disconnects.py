"""Cancels the work for a request when the client closes its connection, or when the time limit is reached."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from servicekit.errors import TimedOut

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from servicekit.asgi import Receive

T = TypeVar("T")


class ClientGone(Exception):
    """The client closed its connection before the response was ready."""


async def until_disconnect(receive: Receive) -> None:
    """Return when the client closes its connection. Call this only after the whole body was read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def run_within(
    work: Coroutine[object, object, T], client_gone: Coroutine[object, object, None], seconds: float | None = None
) -> T:
    """Run `work` in its own task, and return its result.

    When the client closes its connection, or when `seconds` have passed, the task is cancelled. The function raises an
    error after the cancelled task has ended.

    Args:
        work: the coroutine that computes the response.
        client_gone: returns when the client closes its connection.
        seconds: how long `work` may take; None for no limit.

    Raises:
        TimedOut: `seconds` have passed.
        ClientGone: `client_gone` has returned.
    """
    if seconds is not None and seconds <= 0:
        work.close()
        client_gone.close()
        raise TimedOut
    task, watcher = asyncio.create_task(work), asyncio.create_task(client_gone)
    try:
        await asyncio.wait({task, watcher}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone if watcher.done() else TimedOut
    finally:
        for each in (task, watcher):
            each.cancel()
        await asyncio.gather(task, watcher, return_exceptions=True)
        # A task refers to its exception, whose traceback refers to this function's variables. Without this reference
        # cycle, the memory of the request is released now, and not when the garbage collector finds it.
        del each, task, watcher
