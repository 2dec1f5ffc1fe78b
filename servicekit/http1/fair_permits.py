"""`FairPermits`: a semaphore that gives permits in order of arrival.

Most exchanges find a free permit. So a free permit is taken by a plain function, not by a coroutine as in
`asyncio.Semaphore`.
"""

from __future__ import annotations

import asyncio
from collections import deque


class FairPermits:
    """A semaphore with `count` permits. If callers wait, `release` gives the permit to the first of them."""

    __slots__ = ("_free", "_waiters")

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiters: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take a permit, if one is free. Return whether a permit was taken."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def wait(self) -> None:
        """Wait for a permit, and take it. Call this only after `take` has returned False."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self.release()  # the permit was given just before the cancellation
            elif waiter in self._waiters:
                self._waiters.remove(waiter)
            raise

    def release(self) -> None:
        """Give a permit back. The first waiting caller gets the permit."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1
