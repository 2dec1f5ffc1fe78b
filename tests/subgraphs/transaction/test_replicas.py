"""Two processes on one store never carry out the same order at once.

Covers `subgraphs/transaction/lease.py`, together with `saga.py` and `reconciler.py`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bank.identity import CUSTOMER
from subgraphs.transaction.domain import Parties, Requester, TransactionStatus
from subgraphs.transaction.lease import DURATION
from subgraphs.transaction.order_steps import Partners
from subgraphs.transaction.payments.simulated_provider import SimulatedProvider
from subgraphs.transaction.reconciler import Reconciler
from subgraphs.transaction.saga import Orders
from subgraphs.transaction.store.protocol import Listing
from tests.subgraphs.transaction.support import (
    START,
    Clock,
    MemoryLedger,
    recorded,
    sqlite_store,
    transaction,
    transfer_order,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.store.protocol import TransactionStore

ROOT = Path(__file__).parents[3]
S = TransactionStatus


@dataclass
class Replica:
    """The orders of one process of the transaction service."""

    store: TransactionStore
    orders: Orders
    reconciler: Reconciler


@dataclass
class Replicas:
    one: Replica
    two: Replica
    ledger: MemoryLedger
    clock: Clock

    async def only_record(self) -> Transaction:
        (record,) = await self.two.store.listing(Listing(viewer_id=None))
        return record


@pytest.fixture
async def replicas(tmp_path: Path) -> AsyncIterator[Replicas]:
    ledger, clock = MemoryLedger(), Clock()

    def replica(store: TransactionStore) -> Replica:
        orders = Orders(store, Partners(ledger, SimulatedProvider()), clock=clock)
        return Replica(store, orders, Reconciler(store, orders, clock=clock))

    async with sqlite_store(tmp_path) as one, sqlite_store(tmp_path) as two:
        replicas = Replicas(replica(one), replica(two), ledger, clock)
        yield replicas
        ledger.gate.set()
        for each in (replicas.one, replicas.two):
            await each.orders.drain(5)


async def place_and_hang(replicas: Replicas) -> asyncio.Task[object]:
    """An order of the first replica whose posting does not return until the ledger's gate opens."""
    ann, bob = replicas.ledger.open(), replicas.ledger.open()
    replicas.ledger.gate.clear()
    requester = Requester(ann.user_id, frozenset({CUSTOMER}))
    call: asyncio.Task[object] = asyncio.create_task(
        replicas.one.orders.place(transfer_order(ann, bob), requester, "key")
    )
    await replicas.ledger.arrived.wait()
    return call


async def test_an_order_that_runs_in_one_process_is_not_run_by_the_other(replicas: Replicas) -> None:
    call = await place_and_hang(replicas)
    running = await replicas.only_record()
    await replicas.two.reconciler.round()
    await replicas.two.orders.resume(running.id)
    assert replicas.ledger.attempts == [running.id]
    replicas.ledger.gate.set()
    await call
    assert (await replicas.only_record()).status is S.COMPLETED
    await replicas.two.reconciler.round()
    assert replicas.ledger.attempts == [running.id]


async def test_renewals_keep_a_slow_order_where_it_is(replicas: Replicas) -> None:
    call = await place_and_hang(replicas)
    running = await replicas.only_record()
    for _ in range(3):
        replicas.clock.advance(DURATION / 2)
        await replicas.one.orders.renew_leases()
        await replicas.two.orders.renew_leases()
        await replicas.two.reconciler.round()
    assert replicas.ledger.attempts == [running.id]
    replicas.ledger.gate.set()
    await call
    assert (await replicas.only_record()).status is S.COMPLETED


async def test_an_order_without_renewals_is_taken_over_and_its_late_end_changes_nothing(
    replicas: Replicas,
) -> None:
    call = await place_and_hang(replicas)
    running = await replicas.only_record()
    replicas.clock.advance(DURATION)
    round_ = asyncio.create_task(replicas.two.reconciler.round())
    while len(replicas.ledger.attempts) < 2:
        await asyncio.wait({round_}, timeout=0.01)
    # A renewal that comes too late does not take the order back.
    await replicas.one.orders.renew_leases()
    assert await replicas.one.store.unclaimed_ids(replicas.clock(), after="", limit=9) == []
    replicas.ledger.gate.set()
    await asyncio.gather(call, round_)
    assert (await replicas.only_record()).status is S.COMPLETED
    assert replicas.ledger.attempts == [running.id] * 2
    assert sorted(replicas.ledger.balances.values()) == [Decimal("90.00"), Decimal("110.00")]


async def test_two_reconcilers_share_the_orders_that_a_crash_left(replicas: Replicas) -> None:
    ann, bob = replicas.ledger.open(), replicas.ledger.open()
    left = [
        await recorded(replicas.one.store, transaction(transfer_order(ann, bob, "1.00"), Parties(ann, bob)))
        for _ in range(20)
    ]
    await asyncio.gather(replicas.one.reconciler.round(), replicas.two.reconciler.round())
    records = await replicas.one.store.listing(Listing(viewer_id=None))
    assert [record.status for record in records] == [S.COMPLETED] * 20
    assert sorted(replicas.ledger.attempts) == sorted(record.id for record in left)


# Places an order whose posting never returns, and prints the order's id once its lease is in the file.
PROGRAM = """
import asyncio, sys
from pathlib import Path
from subgraphs.transaction.domain import Requester
from subgraphs.transaction.order_steps import Partners
from subgraphs.transaction.payments.simulated_provider import SimulatedProvider
from subgraphs.transaction.saga import Orders
from tests.subgraphs.transaction.support import Clock, MemoryLedger, sqlite_store, transfer_order

async def main(folder):
    ledger = MemoryLedger()
    ann, bob = ledger.open(), ledger.open()
    ledger.gate.clear()
    async with sqlite_store(folder) as store:
        orders = Orders(store, Partners(ledger, SimulatedProvider()), clock=Clock())
        call = asyncio.create_task(orders.place(transfer_order(ann, bob), Requester(ann.user_id, frozenset()), "key"))
        await ledger.arrived.wait()
        print(ledger.attempts[0], flush=True)
        await call

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_an_order_of_a_killed_process_is_finished_after_its_lease(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    running = (await process.stdout.readline()).decode().strip()
    process.kill()
    assert await process.wait() == -signal.SIGKILL

    clock, ledger = Clock(START + DURATION - timedelta(milliseconds=1)), MemoryLedger()
    async with sqlite_store(tmp_path) as store:
        (left,) = await store.listing(Listing(viewer_id=None))
        for party in (left.parties.source, left.parties.destination):
            assert party is not None
            ledger.balances[party.account_id] = Decimal("100.00")
        orders = Orders(store, Partners(ledger, SimulatedProvider()), clock=clock)
        reconciler = Reconciler(store, orders, clock=clock)
        await reconciler.round()
        assert ledger.attempts == []
        clock.advance(timedelta(milliseconds=1))
        await reconciler.round()
        assert ledger.attempts == [running]
        (done,) = await store.listing(Listing(viewer_id=None))
        assert (done.id, done.status) == (running, S.COMPLETED)
