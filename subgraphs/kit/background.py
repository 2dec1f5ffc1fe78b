"""Background work: work that a service repeats while it runs."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

# After this time, work that is still running is cancelled again.
CANCEL_SECONDS: Final = 0.5

_log = structlog.stdlib.get_logger("background")


async def repeat(step: Callable[[], Awaitable[object]], wait: Callable[[], Awaitable[None]]) -> NoReturn:
    """Run `step` now, and again after each `wait`. If a step raises an exception, log it and continue."""
    while True:
        try:
            await step()
        except Exception:  # noqa: BLE001 - no other process does this work, so the loop must continue
            _log.exception("background step failed", step=getattr(step, "__qualname__", repr(step)))
        await wait()


def every(seconds: float) -> Callable[[], Awaitable[None]]:
    """Return a function that pauses for `seconds`, for the parameter `wait` of `repeat`."""

    async def wait() -> None:
        await asyncio.sleep(seconds)

    return wait


@asynccontextmanager
async def in_background(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run `work` in a task while the block runs; cancel it afterwards."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        # A library may swallow a cancellation. redis 8.1 sometimes does so while it opens a connection.
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=CANCEL_SECONDS)
        with suppress(asyncio.CancelledError):
            await task
