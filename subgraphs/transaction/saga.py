"""Carries an order from the request to a definite outcome, despite crashes and outages (bank §2.7).

The account service has the money, a payment provider connects to the external world, and this service records the
order. There is no transaction over all three. So the order is recorded first, and then carried out in steps, each of
which may be repeated:

```
look up parties -> record PENDING, key and lease -> the steps of `order_steps` -> COMPLETED | FAILED | HELD
'-- a fault here leaves nothing behind ---------'   '-- idempotent by the transaction id, repeatable ----'
```

An order whose outcome is unknown stays PENDING. `Reconciler` repeats the steps until the outcome is definite. A HELD
order waits for a review. The reviewer's decision makes the order PENDING again, and the next steps are carried out.

The lease (`lease.py`) keeps other processes on the same store from carrying out the order at the same time. An order
runs in its own task: a client that disconnects cancels the wait for the response, not the order.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from bank import values
from servicekit.errors import ServiceError, Unavailable
from subgraphs.transaction.domain import PROVIDER, Requester, Transaction, TransactionStatus, open_transaction
from subgraphs.transaction.idempotency import KEY_LIFETIME, KeyEntry, KeyScope, UsedKey
from subgraphs.transaction.lease import Lease
from subgraphs.transaction.order_steps import OrderSteps
from subgraphs.transaction.problems import IdempotencyKeyReused
from subgraphs.transaction.rates.rates_table import convert
from subgraphs.transaction.reversal import NotReversible, open_chargeback, open_reversal, reversal_order
from subgraphs.transaction.review import DEFAULT_FOUR_EYES, NotHeld, expired
from subgraphs.transaction.step_up import StepUpRule

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from datetime import datetime

    from subgraphs.transaction.domain import Order
    from subgraphs.transaction.order_steps import Partners
    from subgraphs.transaction.review import FourEyes
    from subgraphs.transaction.store.protocol import Change, TransactionStore

T = TypeVar("T")

# No amount needs a step-up.
NO_STEP_UP: Final = StepUpRule()

_log = structlog.stdlib.get_logger("saga")


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """The transaction of an order. `replayed` says whether an earlier call with the same key placed the order."""

    transaction: Transaction
    replayed: bool


class Orders:
    """Accepts orders and carries them out.

    While orders run, `renew_leases` must be called every `lease.RENEWAL_SECONDS`.
    """

    def __init__(
        self,
        store: TransactionStore,
        partners: Partners,
        *,
        four_eyes: FourEyes = DEFAULT_FOUR_EYES,
        step_up: StepUpRule = NO_STEP_UP,
        clock: Callable[[], datetime] = values.now,
    ) -> None:
        self._store = store
        self._ledger, self._rates = partners.ledger, partners.rates
        self._steps = OrderSteps(store, partners, clock)
        self.four_eyes, self.step_up = four_eyes, step_up
        self._clock = clock
        # The name of this process in leases. After a restart, a process has another name.
        self._owner = values.new_object_id()
        self._running: set[str] = set()
        self._tasks: set[asyncio.Task[object]] = set()

    async def place(self, order: Order, requester: Requester, key: str) -> PlacedOrder | IdempotencyKeyReused:
        """Carry out `order`. For each requester and type of order, a `key` is used for only one order.

        Cancelling the call does not cancel the order.

        Raises:
            Unavailable: nothing was recorded, and the key is still unused.
        """

        async def opened(now: datetime) -> Transaction:
            parties = await self._ledger.parties(order, requester)
            new = open_transaction(values.new_object_id(), order, requester, parties, now)
            return replace(new, conversion=convert(self._rates(), order, parties, now))

        return await asyncio.shield(self._start(self._accept(order, requester, key, opened)))

    async def reverse(
        self, original: Transaction, requester: Requester, key: str
    ) -> PlacedOrder | IdempotencyKeyReused:
        """Move the money of `original` back by a new transaction. A `key` is used as in `place`.

        Cancelling the call does not cancel the reversal.

        Raises:
            Forbidden: see `open_reversal`.
            NotReversible: see `open_reversal`; or another reversal has been recorded.
            Unavailable: nothing was recorded, and the key is still unused.
        """

        async def opened(now: datetime) -> Transaction:
            return open_reversal(values.new_object_id(), original, requester, now)

        order = reversal_order(original)
        return await asyncio.shield(self._start(self._accept(order, requester, key, opened)))

    async def charge_back(self, original: Transaction) -> PlacedOrder | IdempotencyKeyReused:
        """Move the money of `original` back by a new transaction, because the payment provider has taken it back.

        A repetition returns the same transaction. Cancelling the call does not cancel the reversal.

        Raises:
            NotReversible: see `open_chargeback`; or another reversal has been recorded.
            Unavailable: nothing was recorded.
        """

        async def opened(now: datetime) -> Transaction:
            return open_chargeback(values.new_object_id(), original, now)

        key, order = f"chargeback:{original.id}", reversal_order(original)
        return await asyncio.shield(self._start(self._accept(order, PROVIDER, key, opened)))

    async def resume(self, transaction_id: str) -> None:
        """Repeat the steps of a PENDING order, unless a process has a live lease on it.

        Cancelling the call does not cancel the order.
        """
        await asyncio.shield(self._start(self._resume(transaction_id)))

    async def review(self, transaction_id: str, decide: Change, *, by: str) -> Transaction:
        """Record a decision about a HELD order, of a reviewer or the customer, and carry out the next steps.

        Cancelling the call does not cancel the order.

        Args:
            transaction_id: the transaction to review.
            decide: `review.approved`, `review.rejected` or `step_up.confirmed`, with who decides.
            by: the user id of who decides.

        Raises:
            Forbidden, NotHeld, NotConfirmable, StepUpNeeded: as `decide`.
        """
        reviewed = await self._store.change(transaction_id, decide, by=by)
        _log.info("reviewed", transaction=transaction_id, status=reviewed.status, approvals=len(reviewed.approvals))
        if reviewed.status is not TransactionStatus.PENDING:
            return reviewed
        await self.resume(transaction_id)
        return (await self._store.by_ids([transaction_id]))[transaction_id]

    async def expire(self, transaction_id: str) -> None:
        """End a HELD order that nobody has reviewed in time. An order that is no longer HELD is not changed."""
        at = self._clock()
        try:
            await self._store.change(transaction_id, lambda found: expired(found, at))
        except NotHeld:
            return
        _log.info("nobody has reviewed the order in time", transaction=transaction_id)
        await self.resume(transaction_id)

    async def renew_leases(self) -> None:
        """Extend the leases of the orders that run in this process."""
        if self._running:
            await self._store.renew(self._running, Lease.take(self._owner, self._clock()))

    async def drain(self, seconds: float) -> None:
        """Wait for running orders.

        Orders that take longer stay PENDING without a lease, so that any reconciler can resume them.
        """
        tasks = set(self._tasks)
        if not tasks:
            return
        _, unfinished = await asyncio.wait(tasks, timeout=seconds)
        for task in unfinished:
            task.cancel()
        if unfinished:
            _log.warning("orders left to the reconciler", count=len(unfinished))
            await asyncio.wait(unfinished)

    def _start(self, steps: Coroutine[object, object, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(steps)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        # The error is logged here, because the caller may be gone and nobody else would see the error.
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ServiceError | NotReversible):
            _log.error("order failed unexpectedly", exc_info=error)

    async def _accept(
        self, order: Order, requester: Requester, key: str, opened: Callable[[datetime], Awaitable[Transaction]]
    ) -> PlacedOrder | IdempotencyKeyReused:
        scope = KeyScope(requester.user_id, order.type, key)
        fingerprint = order.fingerprint()
        # The key is looked up first, so that a repeated order gets its result even while the ledger is not available.
        used = await self._store.find_key(scope, self._clock())
        if used is not None:
            return _replay(used, fingerprint)
        transaction = await opened(self._clock())
        now = transaction.created_at
        try:
            used = await self._store.record(
                transaction,
                KeyEntry(scope, fingerprint, now + KEY_LIFETIME),
                Lease.take(self._owner, now) if transaction.status is TransactionStatus.PENDING else None,
            )
        except asyncio.CancelledError:
            # The order may have been recorded with a lease of this process, although the call was cancelled. The
            # lease is released, so that another process can carry out the order.
            await self._release(transaction.id)
            raise
        if used is not None:
            return _replay(used, fingerprint)
        return PlacedOrder(await self._run(transaction), replayed=False)

    async def _resume(self, transaction_id: str) -> None:
        now = self._clock()
        try:
            transaction = await self._store.claim(transaction_id, Lease.take(self._owner, now), now)
        except asyncio.CancelledError:
            # The store may have set the lease although the call was cancelled. So the lease is released.
            await self._release(transaction_id)
            raise
        if transaction is not None:
            await self._run(transaction)

    async def _run(self, transaction: Transaction) -> Transaction:
        """Carry out an order on which this process has the lease. The lease ends when this method returns."""
        current = transaction
        self._running.add(transaction.id)
        try:
            current = await self._steps.carry_out(transaction)
        finally:
            self._running.discard(transaction.id)
            if current.status is TransactionStatus.PENDING:
                await self._release(transaction.id)
        return current

    async def _release(self, transaction_id: str) -> None:
        try:
            await self._store.release(transaction_id, self._owner)
        except Unavailable:
            _log.warning("cannot release a lease, it will expire", transaction=transaction_id)


def _replay(used: UsedKey, fingerprint: str) -> PlacedOrder | IdempotencyKeyReused:
    if used.fingerprint != fingerprint:
        return IdempotencyKeyReused()
    return PlacedOrder(used.transaction, replayed=True)
