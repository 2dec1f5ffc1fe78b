"""The course of an order, from the request to a definite outcome, whatever breaks on the way.

The money lies in the account service, the external world behind a payment provider, the record of the order here.
No transaction spans the three, so the order is recorded first and then driven by steps that may all be repeated::

    look up parties -> record PENDING + idempotency key -> authorise -> post -> capture | void -> COMPLETED | FAILED
    '-- a fault here leaves no trace ------------------'    '-- idempotent by the transaction's id, repeatable ---'

An unknown outcome leaves PENDING; :class:`~subgraphs.transaction.reconciler.Reconciler` repeats the steps until each
is definite. Orders without a provider (transfers) skip ``authorise``, ``capture`` and ``void``.

An order runs in a task of its own: a client that hangs up cancels the wait for the answer, not the order.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from bank import values
from servicekit.errors import ServiceError, Unavailable
from subgraphs.transaction.domain import (
    Requester,
    Transaction,
    TransactionStatus,
    TransactionType,
    as_told,
    open_transaction,
)
from subgraphs.transaction.idempotency import KEPT, KeyEntry, KeyScope, Remembered
from subgraphs.transaction.ledger_client import OutcomeUnknown, Refused
from subgraphs.transaction.payment_provider import PaymentInstruction, ProviderUnavailable
from subgraphs.transaction.problems import IdempotencyKeyReused, PaymentDeclined, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from datetime import datetime

    from subgraphs.transaction.domain import Order
    from subgraphs.transaction.ledger_client import Ledger
    from subgraphs.transaction.payment_provider import PaymentProvider
    from subgraphs.transaction.store.protocol import TransactionStore

T = TypeVar("T")

# Money that enters or leaves the bank passes the provider.
EXTERNAL: Final = frozenset({TransactionType.DEPOSIT, TransactionType.WITHDRAWAL, TransactionType.PAYMENT})

_log = structlog.stdlib.get_logger("saga")


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an order so far; ``replayed`` when the key stood for it before this call."""

    transaction: Transaction
    replayed: bool


class Orders:
    """Takes orders and sees them through."""

    def __init__(
        self,
        store: TransactionStore,
        ledger: Ledger,
        provider: PaymentProvider,
        *,
        clock: Callable[[], datetime] = values.now,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._provider = provider
        self._clock = clock
        self._running: set[str] = set()
        self._tasks: set[asyncio.Task[object]] = set()

    async def place(self, order: Order, requester: Requester, key: str) -> Answer | IdempotencyKeyReused:
        """Carry ``order`` out, once for each ``key`` of the requester and the kind of order.

        Cancelling the call does not cancel the order.

        Raises:
            Unavailable: nothing was recorded, and the key is still unused.
        """
        return await asyncio.shield(self._start(self._place(order, requester, key)))

    async def resume(self, transaction_id: str) -> None:
        """Repeat the steps of a PENDING order, unless it is running in this process or is not PENDING any more.

        Cancelling the call does not cancel the order.
        """
        await asyncio.shield(self._start(self._resume(transaction_id)))

    async def drain(self, seconds: float) -> None:
        """Wait for running orders; those that take longer are left PENDING to the next start's reconciler."""
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
        # Whoever waits for the order gets its error; when nobody does any more, it must not vanish.
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ServiceError):
            _log.error("an order ended with a fault", exc_info=error)

    async def _place(self, order: Order, requester: Requester, key: str) -> Answer | IdempotencyKeyReused:
        scope = KeyScope(requester.user_id, order.type, key)
        fingerprint = order.fingerprint()
        # Before anything else, so that a replay is answered even while the ledger is away.
        remembered = await self._store.remembered(scope, self._clock())
        if remembered is not None:
            return _replay(remembered, fingerprint)
        parties = await self._ledger.parties(order, requester)
        now = self._clock()
        transaction = open_transaction(values.new_object_id(), order, requester, parties, now)
        # Claimed before it is recorded: the reconciler may read it the moment it is there.
        with self._claim(transaction.id):
            remembered = await self._store.record(transaction, KeyEntry(scope, fingerprint, now + KEPT))
            if remembered is not None:
                return _replay(remembered, fingerprint)
            return Answer(await self._carry_out(transaction), replayed=False)

    async def _resume(self, transaction_id: str) -> None:
        if transaction_id in self._running:
            return
        with self._claim(transaction_id):
            transaction = (await self._store.by_ids([transaction_id])).get(transaction_id)
            if transaction is not None:
                await self._carry_out(transaction)

    @contextmanager
    def _claim(self, transaction_id: str) -> Iterator[None]:
        self._running.add(transaction_id)
        try:
            yield
        finally:
            self._running.discard(transaction_id)

    async def _carry_out(self, transaction: Transaction) -> Transaction:
        if transaction.status is not TransactionStatus.PENDING:
            return transaction
        try:
            problem = await (self._external(transaction) if _is_external(transaction) else self._post(transaction))
            return await self._conclude(transaction, problem)
        except (OutcomeUnknown, ProviderUnavailable, Unavailable) as error:
            _log.warning("outcome unknown, left pending", transaction=transaction.id, reason=str(error))
            return transaction

    async def _conclude(self, transaction: Transaction, problem: Problem | None) -> Transaction:
        status = TransactionStatus.COMPLETED if problem is None else TransactionStatus.FAILED
        concluded = await self._store.conclude(transaction.id, status, problem, self._clock())
        _log.info("concluded", transaction=transaction.id, status=status, problem=problem.code if problem else None)
        return concluded

    async def _post(self, transaction: Transaction) -> Problem | None:
        outcome = await self._ledger.post(transaction)
        return as_told(outcome.problem, transaction) if isinstance(outcome, Refused) else None

    async def _external(self, transaction: Transaction) -> Problem | None:
        instruction = _instruction(transaction)
        if not await self._provider.authorise(instruction):
            return PaymentDeclined()
        problem = await self._post(transaction)
        await (self._provider.capture(instruction) if problem is None else self._provider.void(instruction))
        return problem


def _is_external(transaction: Transaction) -> bool:
    return transaction.order.type in EXTERNAL


def _instruction(transaction: Transaction) -> PaymentInstruction:
    order = transaction.order
    return PaymentInstruction(transaction.id, order.type, order.amount, order.currency, order.payee)


def _replay(remembered: Remembered, fingerprint: str) -> Answer | IdempotencyKeyReused:
    if remembered.fingerprint != fingerprint:
        return IdempotencyKeyReused()
    return Answer(remembered.transaction, replayed=True)
