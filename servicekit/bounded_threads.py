"""Runs work that needs much CPU time in a bounded pool of threads, with a bounded queue in front of it.

```
run ── slot free ──────────────────> thread ──> result
    ├─ no slot, queue not full ──> wait ──^        a caller that is cancelled while it waits leaves the queue,
    └─ queue full: Unavailable                     and its work is never started
```

The queue of a `ThreadPoolExecutor` has no limit, and its work runs even if nobody waits for the result any more.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeVar

from servicekit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# A caller that is refused may try again after this time. The queue is short, so it has free places by then.
_RETRY_AFTER_SECONDS = 1


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class BoundedThreads:
    """A pool in which at most `threads` calls run, and at most `queue` calls wait.

    It can be used as a context manager, which waits for the running calls at the end of its block.
    """

    def __init__(self, threads: int, queue: int, *, name: str) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._slots = asyncio.Semaphore(threads)
        self._queue = queue
        self.waiting = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread, and return its result.

        Raises:
            Unavailable: the queue is full.
        """
        if self._slots.locked() and self.waiting >= self._queue:
            raise Unavailable(retry_after=_RETRY_AFTER_SECONDS)
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        running = self._executor.submit(work)
        loop = asyncio.get_running_loop()

        def release(_: object) -> None:
            with suppress(RuntimeError):  # raised if the loop was closed while the thread was running
                loop.call_soon_threadsafe(self._slots.release)

        # If the caller was cancelled, the thread still runs. So the slot becomes free only when the thread has
        # finished.
        running.add_done_callback(release)
        return await asyncio.wrap_future(running)
