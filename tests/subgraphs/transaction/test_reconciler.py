from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bank.identity import CUSTOMER
from bank.values import new_object_id
from servicekit.cautious_clock import CautiousClock
from subgraphs.transaction import reconciler as module
from subgraphs.transaction.domain import Parties, Requester, TransactionStatus
from subgraphs.transaction.idempotency import KEY_LIFETIME
from subgraphs.transaction.order_steps import Partners
from subgraphs.transaction.payments.simulated_provider import SimulatedProvider
from subgraphs.transaction.problems import OrderRefused
from subgraphs.transaction.reconciler import Reconciler
from subgraphs.transaction.review import REVIEW_TIME
from subgraphs.transaction.saga import Orders, PlacedOrder
from subgraphs.transaction.store.protocol import Listing
from subgraphs.transaction.store.sqlite import SqliteTransactionStore
from tests.subgraphs.support import Pauses
from tests.subgraphs.transaction.support import (
    Clock,
    MemoryLedger,
    ScriptedFraud,
    conclude,
    key_for,
    recorded,
    sqlite_store,
    transaction,
    transfer_order,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.ledger_client import Posted, Refused

S = TransactionStatus


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteTransactionStore]:
    async with sqlite_store(tmp_path) as store:
        yield store


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
async def orders(store: SqliteTransactionStore, ledger: MemoryLedger) -> Orders:
    return Orders(store, Partners(ledger, SimulatedProvider()))


async def left_behind(store: SqliteTransactionStore, ledger: MemoryLedger, count: int = 1) -> list[Transaction]:
    """The orders that a crash right after the first commit leaves."""
    ann, bob = ledger.open(), ledger.open()
    return [
        await recorded(store, transaction(transfer_order(ann, bob, "1.00"), Parties(ann, bob))) for _ in range(count)
    ]


async def statuses(store: SqliteTransactionStore) -> Sequence[TransactionStatus]:
    return [record.status for record in await store.listing(Listing(viewer_id=None))]


async def test_orders_that_nobody_reviews_fail_when_their_time_is_over(
    store: SqliteTransactionStore, ledger: MemoryLedger
) -> None:
    clock, ann, bob = Clock(), ledger.open(), ledger.open()
    orders = Orders(store, Partners(ledger, SimulatedProvider(), ScriptedFraud()), clock=clock)
    reconciler = Reconciler(store, orders, clock=clock, deletion_clock=clock)
    order = replace(transfer_order(ann, bob, "60.00"), metadata={"fraud": "HOLD"})
    placed = await orders.place(order, Requester(ann.user_id, frozenset({CUSTOMER})), "key")
    assert isinstance(placed, PlacedOrder)
    assert (placed.transaction.status, ledger.balance(ann)) == (S.HELD, Decimal("40.00"))
    clock.advance(REVIEW_TIME)
    await reconciler.round()
    assert await statuses(store) == [S.HELD]
    clock.advance(timedelta(milliseconds=1))
    await reconciler.round()
    failed = (await store.by_ids([placed.transaction.id]))[placed.transaction.id]
    assert (failed.status, failed.problem, ledger.balance(ann)) == (S.FAILED, OrderRefused(), Decimal("100.00"))
    assert [each.status for each in (await store.histories([failed.id]))[failed.id]] == [
        S.PENDING,
        S.HELD,
        S.PENDING,
        S.FAILED,
    ]
    await orders.expire(failed.id)
    assert await statuses(store) == [S.FAILED]


async def test_it_finishes_the_orders_of_a_crash_at_start_and_continues(
    store: SqliteTransactionStore, ledger: MemoryLedger, orders: Orders
) -> None:
    await left_behind(store, ledger)
    pauses = Pauses()
    task = asyncio.create_task(Reconciler(store, orders, wait=pauses.wait).run())
    await pauses.until_round_is_over()
    assert await statuses(store) == [S.COMPLETED]
    await left_behind(store, ledger)
    pauses.end()
    await pauses.until_round_is_over()
    assert await statuses(store) == [S.COMPLETED, S.COMPLETED]
    task.cancel()


async def test_an_order_with_an_unknown_outcome_is_retried_and_does_not_delay_others(
    store: SqliteTransactionStore, ledger: MemoryLedger, orders: Orders
) -> None:
    await left_behind(store, ledger, 3)
    ledger.refuse_connections = 1
    reconciler = Reconciler(store, orders)
    await reconciler.round()
    assert sorted(await statuses(store)) == [S.COMPLETED, S.COMPLETED, S.PENDING]
    await reconciler.round()
    assert await statuses(store) == [S.COMPLETED] * 3


async def test_a_round_goes_through_all_batches(
    store: SqliteTransactionStore, ledger: MemoryLedger, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_SIZE", 2)
    left = await left_behind(store, ledger, 5)
    await Reconciler(store, orders).round()
    assert await statuses(store) == [S.COMPLETED] * 5
    assert sorted(ledger.attempts) == sorted(record.id for record in left)


async def test_a_round_that_fails_is_followed_by_another(
    store: SqliteTransactionStore, ledger: MemoryLedger, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    await left_behind(store, ledger)
    pauses = Pauses()
    working = store.unclaimed_ids

    async def broken(at: datetime, *, after: str, limit: int) -> Sequence[str]:
        raise RuntimeError(at, after, limit)

    monkeypatch.setattr(store, "unclaimed_ids", broken)
    task = asyncio.create_task(Reconciler(store, orders, wait=pauses.wait).run())
    await pauses.until_round_is_over()
    assert await statuses(store) == [S.PENDING]
    monkeypatch.setattr(store, "unclaimed_ids", working)
    pauses.end()
    await pauses.until_round_is_over()
    assert await statuses(store) == [S.COMPLETED]
    task.cancel()


async def test_a_fault_of_one_order_does_not_stop_the_round(
    store: SqliteTransactionStore, ledger: MemoryLedger, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = await left_behind(store, ledger, 2)
    working = ledger.post

    async def post(record: Transaction) -> Posted | Refused:
        if record.id == first.id:
            raise LookupError("a bug, which no retry mends")
        return await working(record)

    monkeypatch.setattr(ledger, "post", post)
    await Reconciler(store, orders).round()
    assert sorted(await statuses(store)) == [S.COMPLETED, S.PENDING]


async def test_expired_keys_are_deleted(store: SqliteTransactionStore, ledger: MemoryLedger, orders: Orders) -> None:
    (record,) = await left_behind(store, ledger)
    clock = Clock(record.created_at + KEY_LIFETIME - timedelta(milliseconds=1))
    reconciler = Reconciler(store, orders, clock=clock, deletion_clock=clock)
    await reconciler.round()
    key = key_for(record).scope
    assert await store.find_key(key, clock())
    clock.advance(timedelta(milliseconds=1))
    assert await store.find_key(key, clock()) is None
    await reconciler.round()
    assert await store.find_key(key, record.created_at) is None


async def test_a_clock_that_jumps_ahead_frees_no_key(
    tmp_path: Path, store: SqliteTransactionStore, ledger: MemoryLedger, orders: Orders
) -> None:
    """Holds issue 12, number 15, for its kind: a client that repeats its order meanwhile must not pay twice."""
    (record,) = await left_behind(store, ledger)
    clock = Clock(record.created_at)
    path = tmp_path / "another.sqlite3"
    another = await SqliteTransactionStore.open_file(path, clock=CautiousClock(clock, monotonic=lambda: 0.0))
    try:
        key = key_for(record)
        assert await another.record(record, key) is None
        await conclude(another, record.id, S.COMPLETED, None, clock())
        reconciler = Reconciler(another, orders, clock=clock)
        clock.advance(timedelta(days=31))
        await reconciler.round()
        assert await another.find_key(key.scope, clock()) is not None
        again = replace(record, id=new_object_id(), created_at=clock())
        assert await another.record(again, replace(key, expires_at=clock() + KEY_LIFETIME)) is not None
        clock.advance(timedelta(days=-31))
        assert await another.find_key(key.scope, clock()) is not None
    finally:
        await another.close()
