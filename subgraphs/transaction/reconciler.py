"""Finishes PENDING orders after a crash, a timeout or an outage, and HELD orders that are not reviewed in time.

It also deletes expired keys and events.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from bank import values
from servicekit.cautious_clock import CautiousClock
from subgraphs.kit import outbox
from subgraphs.kit.background import every, repeat
from subgraphs.kit.pages import PageRequest
from subgraphs.transaction.domain import TransactionStatus
from subgraphs.transaction.review import REVIEW_TIME
from subgraphs.transaction.store.protocol import Filter, Listing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from subgraphs.transaction.saga import Orders
    from subgraphs.transaction.store.protocol import TransactionStore

INTERVAL_SECONDS: Final = 5.0
# How many orders are resumed at the same time. With several orders in parallel, the total time is shorter, because each
# order waits for the ledger. With too many, new orders would become slow.
CONCURRENCY: Final = 8
# How many orders are read in one query. This limits the memory after a long outage.
BATCH_SIZE: Final = 200

_log = structlog.stdlib.get_logger("reconciler")

# The pause between two rounds.
interval: Final = every(INTERVAL_SECONDS)


class Reconciler:
    """Runs a round at the start, and another round after each `wait` (bank §2.7).

    A round repeats the steps of every PENDING order on which no process has a lease. If the outcome of an order is
    still unknown, the next round tries again. Such an order does not delay the other orders. Any number of processes
    may run a reconciler for one store.
    """

    def __init__(
        self,
        store: TransactionStore,
        orders: Orders,
        *,
        wait: Callable[[], Awaitable[None]] = interval,
        clock: Callable[[], datetime] = values.now,
        deletion_clock: Callable[[], datetime] | None = None,
    ) -> None:
        """The clock `deletion_clock` decides which data has expired and is deleted; by default a `CautiousClock`."""
        self._store = store
        self._orders = orders
        self._wait = wait
        self._clock = clock
        self._deletion_clock = deletion_clock or CautiousClock(clock)

    async def run(self) -> NoReturn:
        """Run rounds until the task is cancelled. If a round fails, log the error and continue with the next round."""
        await repeat(self.round, self._wait)

    async def round(self) -> None:
        """Resume the PENDING orders without a live lease, beginning with the oldest.

        Then end the HELD orders that nobody has reviewed in time, and delete expired keys and events.
        """
        slots = asyncio.Semaphore(CONCURRENCY)

        async def resume(transaction_id: str) -> None:
            async with slots:
                await self._orders.resume(transaction_id)

        last = ""
        while batch := await self._store.unclaimed_ids(self._clock(), after=last, limit=BATCH_SIZE):
            outcomes = await asyncio.gather(*map(resume, batch), return_exceptions=True)
            for transaction_id, outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, Exception):
                    _log.error("cannot resume an order", transaction=transaction_id, exc_info=outcome)
            last = batch[-1]
        await self._expire_held()
        await self._delete_expired()

    async def _expire_held(self) -> None:
        """End the HELD orders that nobody has reviewed in time, at most `BATCH_SIZE` in a round."""
        due = Filter(statuses=frozenset({TransactionStatus.HELD}), created_to=self._deletion_clock() - REVIEW_TIME)
        for transaction in await self._store.listing(Listing(None, due, PageRequest(limit=BATCH_SIZE, backwards=True))):
            await self._orders.expire(transaction.id)

    async def _delete_expired(self) -> None:
        now = self._deletion_clock()
        keys = await self._store.delete_expired_keys(now)
        events = await outbox.prune(self._store, now)
        if keys or events:
            _log.debug("deleted expired data", idempotency_keys=keys, events=events)
