"""Finishes what a crash, a timeout or an outage left PENDING, and forgets idempotency keys that have expired."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from bank import values

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from subgraphs.transaction.saga import Orders
    from subgraphs.transaction.store.protocol import TransactionStore

INTERVAL_SECONDS: Final = 5.0
# Orders resumed at once: enough to hide the ledger's latency, too few to crowd out live orders.
CONCURRENCY: Final = 8
# Orders read at once: bounds memory after a long outage.
BATCH: Final = 200

_log = structlog.stdlib.get_logger("reconciler")


async def interval() -> None:
    """The pause between two rounds."""
    await asyncio.sleep(INTERVAL_SECONDS)


class Reconciler:
    """One round at start, then one after each ``wait``.

    A round repeats the steps of every PENDING order once. An order that is running in this process is left alone; one
    whose outcome stays unknown is left to the next round, and does not hold up the others.
    """

    def __init__(
        self,
        store: TransactionStore,
        orders: Orders,
        *,
        wait: Callable[[], Awaitable[None]] = interval,
        clock: Callable[[], datetime] = values.now,
    ) -> None:
        self._store = store
        self._orders = orders
        self._wait = wait
        self._clock = clock

    async def run(self) -> None:
        """Rounds without end; a round that fails is logged, and the next one tries again."""
        while True:
            try:
                await self.round()
            except Exception:  # noqa: BLE001 - whatever it was, nobody else will finish these orders
                _log.exception("a round failed")
            await self._wait()

    async def round(self) -> None:
        """Resume all orders that are PENDING now, oldest first."""
        places = asyncio.Semaphore(CONCURRENCY)

        async def resume(transaction_id: str) -> None:
            async with places:
                await self._orders.resume(transaction_id)

        last = ""
        while batch := await self._store.pending_ids(after=last, limit=BATCH):
            outcomes = await asyncio.gather(*map(resume, batch), return_exceptions=True)
            for transaction_id, outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, Exception):
                    _log.error("cannot resume an order", transaction=transaction_id, exc_info=outcome)
            last = batch[-1]
        forgotten = await self._store.forget_keys(self._clock())
        if forgotten:
            _log.debug("forgot expired idempotency keys", count=forgotten)
