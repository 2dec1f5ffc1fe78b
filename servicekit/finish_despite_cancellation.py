"""`to_the_end`: work that is completed even if the task that waits for it is cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")


async def to_the_end(work: Awaitable[T]) -> T:
    """Await `work` until it is complete, even if the caller is cancelled. After that, raise the cancellation.

    Use this for work with several steps that must either all be done or not begin, and for work on a resource that the
    next caller uses.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await until_done(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None and not task.cancelled() and task.exception() is None:
        raise cancelled
    return task.result()


async def until_done(task: asyncio.Future[T]) -> None:
    """Wait until `task` is done. A cancellation ends the wait, but not the task.

    `asyncio.wait` does the same for several tasks and with a time limit, and takes twice as long.
    """
    waiter = asyncio.get_running_loop().create_future()

    def wake(_: object) -> None:
        if not waiter.done():
            waiter.set_result(None)

    task.add_done_callback(wake)
    try:
        await waiter
    finally:
        task.remove_done_callback(wake)
