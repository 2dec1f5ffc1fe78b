"""Whether this process may use cached values; see `subgraphs.account.cache`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from subgraphs.account.store.protocol import CacheEpochs

# How long a process may use the cache after it began to read the epoch. A posting waits this long when Redis fails, and
# each process reads the epoch this often.
PERMIT_SECONDS: Final = 1.0
# How long a suspension lasts. It is extended when half of it is over, if postings still cannot reach Redis.
SUSPENSION_SECONDS: Final = 10.0


class CachePermits:
    """The permits of one process, and the suspensions that it makes."""

    def __init__(self, epochs: CacheEpochs) -> None:
        self._epochs = epochs
        self._reading = asyncio.Lock()
        self._epoch: str | None = None
        self._permitted_until = 0.0
        self._suspending = asyncio.Lock()
        self._suspended_until = 0.0
        self._no_permits_from = 0.0
        self.suspensions = 0
        """How often this process has suspended the cache."""

    async def epoch(self) -> str | None:
        """Return the present epoch, or None while the cache is suspended.

        Raises:
            Unavailable: the store cannot be reached.
        """
        if _now() >= self._permitted_until:
            async with self._reading:
                started = _now()
                if started >= self._permitted_until:
                    self._epoch = await self._epochs.cache_epoch()
                    self._permitted_until = started + PERMIT_SECONDS
        return self._epoch

    def allows(self, epoch: str) -> bool:
        """Whether values of this epoch may be used now."""
        return self._epoch == epoch and _now() < self._permitted_until

    async def suspend(self) -> None:
        """Suspend the cache for all processes, and wait until no process has a permit.

        If this process has already suspended it, the suspension is extended when this is due, and nobody waits.

        Raises:
            Unavailable: the store cannot be reached.
        """
        async with self._suspending:
            started = _now()
            if started >= self._suspended_until - SUSPENSION_SECONDS / 2:
                await self._epochs.suspend_cache(SUSPENSION_SECONDS)
                if _now() >= self._suspended_until:  # others may have got permits since the last suspension
                    self._no_permits_from = _now() + PERMIT_SECONDS
                    self.suspensions += 1
                self._suspended_until = started + SUSPENSION_SECONDS
        # If a caller is cancelled while it waits, the next one waits for the rest of the time.
        await asyncio.sleep(max(0.0, self._no_permits_from - _now()))


def _now() -> float:
    return asyncio.get_running_loop().time()
