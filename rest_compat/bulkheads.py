"""Limits how many requests of one kind run at the same time, so that a service that hangs blocks only its own routes.

A request needs a place while it runs. Each kind of route has its own number of places. If the account service hangs,
all places of the kind `accounts` are taken after a while. Requests of the other kinds still find free places:

```
kind          routes                          service behind
sign-in       register, login, refresh        auth, which hashes passwords
session       me, logout                      auth
accounts      /api/accounts...                account
transactions  reads of transactions           transaction
orders        POST that moves money           transaction, then account
graphql       POST /graphql of the page       any
```

When all places of a kind are taken, a limited number of requests wait for a short time. Further requests are refused
immediately.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rest_compat.error_translation import unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rest_compat.route import RouteKind

# How long a request waits for a place. If the service responds, a place becomes free within milliseconds. If it does
# not, a longer wait would only delay the error.
WAIT_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class BulkheadLimits:
    """The limits of each kind of route.

    Attributes:
        running: how many requests may run at the same time.
        waiting: how many requests may wait for a place; further requests are refused.
        wait_seconds: how long a request waits before it is refused.
    """

    running: int
    waiting: int
    wait_seconds: float = WAIT_SECONDS


class Bulkheads:
    """The places for running requests in one process. Each kind of route has its own number of places."""

    def __init__(self, limits: BulkheadLimits) -> None:
        self._limits = limits
        self._places: defaultdict[RouteKind, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(limits.running))
        self._waiting: defaultdict[RouteKind, int] = defaultdict(int)

    @asynccontextmanager
    async def place(self, kind: RouteKind) -> AsyncIterator[None]:
        """Occupy a place for a request of `kind` while the block runs.

        Raises:
            RestError: 503, because the queue is full or no place became free in time.
        """
        places = self._places[kind]
        if places.locked():
            await self._wait(kind, places)
        else:
            await places.acquire()
        try:
            yield
        finally:
            places.release()

    async def _wait(self, kind: RouteKind, places: asyncio.Semaphore) -> None:
        if self._waiting[kind] >= self._limits.waiting:
            raise unavailable()
        self._waiting[kind] += 1
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                await places.acquire()
        except TimeoutError:
            raise unavailable() from None
        finally:
            self._waiting[kind] -= 1
