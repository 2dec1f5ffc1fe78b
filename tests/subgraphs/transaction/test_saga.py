"""Orders with a real store, and a ledger in memory that can lose responses and delay postings."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bank.identity import CUSTOMER
from servicekit.errors import Unavailable
from subgraphs.transaction.domain import Requester, TransactionStatus
from subgraphs.transaction.idempotency import KEY_LIFETIME
from subgraphs.transaction.order_steps import Partners
from subgraphs.transaction.payment_provider import PaymentInstruction, ProviderUnavailable
from subgraphs.transaction.payments.simulated_provider import SimulatedProvider
from subgraphs.transaction.problems import IdempotencyKeyReused, InsufficientFunds, InvalidAccount, PaymentDeclined
from subgraphs.transaction.saga import Orders, PlacedOrder
from subgraphs.transaction.store.protocol import Listing
from tests.subgraphs.transaction.support import (
    Clock,
    MemoryLedger,
    deposit_order,
    party,
    payment_order,
    sqlite_store,
    transfer_order,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from subgraphs.transaction.domain import Order, Party, Transaction
    from subgraphs.transaction.store.sqlite import SqliteTransactionStore

S = TransactionStatus


@dataclass
class RecordingProvider(SimulatedProvider):
    """The sandbox provider; it records its calls, and can fail the next ones."""

    diary: list[str] = field(default_factory=list)
    outages: list[str] = field(default_factory=list)

    async def authorise(self, instruction: PaymentInstruction) -> bool:
        self._note("authorise")
        return await super().authorise(instruction)

    async def capture(self, instruction: PaymentInstruction) -> None:
        self._note("capture")
        await super().capture(instruction)

    async def void(self, instruction: PaymentInstruction) -> None:
        self._note("void")
        await super().void(instruction)

    def _note(self, step: str) -> None:
        if step in self.outages:
            self.outages.remove(step)
            raise ProviderUnavailable(step)
        self.diary.append(step)


@dataclass
class Bank:
    store: SqliteTransactionStore
    ledger: MemoryLedger
    provider: RecordingProvider
    clock: Clock
    orders: Orders

    async def place(self, order: Order, owner: Party, key: str = "key") -> PlacedOrder | IdempotencyKeyReused:
        return await self.orders.place(order, requester(owner), key)

    async def placed(self, order: Order, owner: Party, key: str = "key") -> PlacedOrder:
        placed = await self.place(order, owner, key)
        assert isinstance(placed, PlacedOrder)
        return placed

    async def everything(self) -> list[Transaction]:
        return list(await self.store.listing(Listing(viewer_id=None)))


def requester(owner: Party) -> Requester:
    return Requester(owner.user_id, frozenset({CUSTOMER}))


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with sqlite_store(tmp_path) as store:
        ledger, provider, clock = MemoryLedger(), RecordingProvider(), Clock()
        orders = Orders(store, Partners(ledger, provider), clock=clock)
        yield Bank(store, ledger, provider, clock, orders)
        ledger.gate.set()
        await orders.drain(5)


async def test_a_transfer_moves_money_and_is_recorded(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    placed = await bank.placed(transfer_order(ann, bob), ann)
    assert (placed.transaction.status, placed.replayed) == (S.COMPLETED, False)
    assert (bank.ledger.balance(ann), bank.ledger.balance(bob)) == (Decimal("90.00"), Decimal("110.00"))
    assert await bank.everything() == [placed.transaction]
    assert bank.provider.diary == []


async def test_a_replay_returns_the_first_result_and_moves_nothing(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    first = await bank.placed(transfer_order(ann, bob), ann)
    bank.ledger.refuse_connections = 1
    second = await bank.placed(transfer_order(ann, bob), ann)
    assert second == PlacedOrder(first.transaction, replayed=True)
    assert bank.ledger.attempts == [first.transaction.id]
    assert bank.ledger.lookups == 1


async def test_a_recorded_refusal_stays_even_if_the_order_would_succeed_later(bank: Bank) -> None:
    ann, bob = bank.ledger.open(balance="5.00"), bank.ledger.open()
    first = await bank.placed(transfer_order(ann, bob), ann)
    assert first.transaction.status is S.FAILED
    assert first.transaction.problem == InsufficientFunds(Decimal("5.00"), Decimal("10.00"), "USD")
    bank.ledger.balances[ann.account_id] = Decimal("50.00")
    assert await bank.place(transfer_order(ann, bob), ann) == PlacedOrder(first.transaction, replayed=True)


async def test_an_unknown_own_account_is_a_recorded_refusal_that_never_reaches_the_ledger(bank: Bank) -> None:
    ann, nobody = bank.ledger.open(), party()
    for replayed in (False, True):
        placed = await bank.placed(transfer_order(nobody, ann), ann)
        assert placed.transaction.problem == InvalidAccount(account_id=nobody.account_id)
        assert placed.replayed is replayed
    assert bank.ledger.attempts == []


async def test_an_unknown_receiver_is_refused_by_the_ledger(bank: Bank) -> None:
    """Nobody without money learns whether an account exists: the ledger looks at the sender's funds first."""
    ann, nobody = bank.ledger.open(), party()
    placed = await bank.placed(transfer_order(ann, nobody), ann)
    assert placed.transaction.problem == InvalidAccount(account_id=nobody.account_id)
    assert bank.ledger.attempts == [placed.transaction.id]


async def test_the_same_key_with_another_order_is_refused(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    await bank.placed(transfer_order(ann, bob), ann)
    assert await bank.place(transfer_order(ann, bob, "10.01"), ann) == IdempotencyKeyReused()
    assert len(await bank.everything()) == 1


async def test_a_key_belongs_to_one_caller_and_one_mutation(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    await bank.placed(transfer_order(ann, bob), ann)
    assert not (await bank.placed(transfer_order(bob, ann), bob)).replayed
    assert not (await bank.placed(deposit_order(ann), ann)).replayed
    assert len(await bank.everything()) == 3


async def test_a_key_is_free_again_after_48_hours(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    first = await bank.placed(transfer_order(ann, bob), ann)
    bank.clock.advance(KEY_LIFETIME)
    second = await bank.placed(transfer_order(ann, bob), ann)
    assert second.transaction.id != first.transaction.id


async def test_a_fault_before_anything_is_recorded_leaves_the_key_unused(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    bank.ledger.refuse_connections = 1
    with pytest.raises(Unavailable):
        await bank.place(transfer_order(ann, bob), ann)
    assert await bank.everything() == []
    assert not (await bank.placed(transfer_order(ann, bob, "99.00"), ann)).replayed


async def test_ten_concurrent_calls_with_one_key_pay_once(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    all_placed = await asyncio.gather(*(bank.placed(transfer_order(ann, bob), ann) for _ in range(10)))
    assert len({placed.transaction.id for placed in all_placed}) == 1
    assert sorted(placed.replayed for placed in all_placed) == [False] + [True] * 9
    assert bank.ledger.balance(bob) == Decimal("110.00")


async def test_concurrent_calls_with_one_key_and_different_orders_carry_out_one(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    all_placed = await asyncio.gather(*(bank.place(transfer_order(ann, bob, f"{n}.00"), ann) for n in range(1, 6)))
    assert sum(isinstance(placed, PlacedOrder) for placed in all_placed) == 1
    assert all_placed.count(IdempotencyKeyReused()) == 4
    assert len(bank.ledger.attempts) == 1


async def test_a_replay_during_the_first_call_returns_the_current_state(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    bank.ledger.gate.clear()
    first = asyncio.create_task(bank.placed(transfer_order(ann, bob), ann))
    await bank.ledger.arrived.wait()
    replay = await bank.placed(transfer_order(ann, bob), ann)
    assert (replay.transaction.status, replay.replayed) == (S.PENDING, True)
    bank.ledger.gate.set()
    assert (await first).transaction.status is S.COMPLETED


async def test_an_unknown_outcome_leaves_pending_and_resuming_pays_once(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    bank.ledger.lose_responses = 2
    placed = await bank.placed(transfer_order(ann, bob), ann)
    assert placed.transaction.status is S.PENDING
    await bank.orders.resume(placed.transaction.id)
    assert [t.status for t in await bank.everything()] == [S.PENDING]
    await bank.orders.resume(placed.transaction.id)
    assert [t.status for t in await bank.everything()] == [S.COMPLETED]
    assert bank.ledger.balance(bob) == Decimal("110.00")
    assert bank.ledger.attempts == [placed.transaction.id] * 3


async def test_an_order_in_its_first_call_is_not_run_a_second_time(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    bank.ledger.gate.clear()
    first = asyncio.create_task(bank.placed(transfer_order(ann, bob), ann))
    await bank.ledger.arrived.wait()
    (running,) = await bank.everything()
    await bank.orders.resume(running.id)
    assert bank.ledger.attempts == [running.id]
    bank.ledger.gate.set()
    await first


async def test_resuming_a_concluded_or_unknown_order_does_nothing(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    done = await bank.placed(transfer_order(ann, bob), ann)
    await bank.orders.resume(done.transaction.id)
    await bank.orders.resume("0" * 24)
    assert bank.ledger.attempts == [done.transaction.id]


async def test_a_client_that_disconnects_does_not_stop_its_order(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    bank.ledger.gate.clear()
    call = asyncio.create_task(bank.place(transfer_order(ann, bob), ann))
    await bank.ledger.arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    bank.ledger.gate.set()
    await bank.orders.drain(5)
    assert [t.status for t in await bank.everything()] == [S.COMPLETED]


async def test_draining_leaves_a_hanging_order_to_the_next_start(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    bank.ledger.gate.clear()
    call = asyncio.create_task(bank.place(transfer_order(ann, bob), ann))
    await bank.ledger.arrived.wait()
    await bank.orders.drain(0)
    with pytest.raises(asyncio.CancelledError):
        await call
    (left,) = await bank.everything()
    assert left.status is S.PENDING
    bank.ledger.gate.set()
    await bank.orders.resume(left.id)
    assert [t.status for t in await bank.everything()] == [S.COMPLETED]


async def test_a_deposit_is_authorised_posted_and_captured(bank: Bank) -> None:
    ann = bank.ledger.open()
    placed = await bank.placed(deposit_order(ann), ann)
    assert placed.transaction.status is S.COMPLETED
    assert bank.ledger.balance(ann) == Decimal("110.00")
    assert bank.provider.diary == ["authorise", "capture"]


async def test_an_order_that_the_provider_declines_never_reaches_the_ledger(bank: Bank) -> None:
    ann = bank.ledger.open()
    placed = await bank.placed(payment_order(ann, payee="Sandbox decline"), ann)
    assert (placed.transaction.status, placed.transaction.problem) == (S.FAILED, PaymentDeclined())
    assert bank.ledger.attempts == []


async def test_an_order_that_the_ledger_refuses_is_voided_at_the_provider(bank: Bank) -> None:
    ann = bank.ledger.open(balance="1.00")
    placed = await bank.placed(payment_order(ann), ann)
    assert isinstance(placed.transaction.problem, InsufficientFunds)
    assert bank.provider.diary == ["authorise", "void"]


@pytest.mark.parametrize("step", ["authorise", "capture"])
async def test_an_unreachable_provider_leaves_pending_and_resuming_pays_once(bank: Bank, step: str) -> None:
    ann = bank.ledger.open()
    bank.provider.outages = [step]
    placed = await bank.placed(payment_order(ann), ann)
    assert placed.transaction.status is S.PENDING
    await bank.orders.resume(placed.transaction.id)
    assert [t.status for t in await bank.everything()] == [S.COMPLETED]
    assert bank.ledger.balance(ann) == Decimal("90.00")
    assert bank.provider.diary.count("capture") == 1


async def test_a_refusal_is_final_only_when_the_provider_has_released(bank: Bank) -> None:
    ann = bank.ledger.open(balance="1.00")
    bank.provider.outages = ["void"]
    placed = await bank.placed(payment_order(ann), ann)
    assert placed.transaction.status is S.PENDING
    # The ledger has recorded its refusal, although the funds would be enough now.
    bank.ledger.balances[ann.account_id] = Decimal("50.00")
    await bank.orders.resume(placed.transaction.id)
    assert [t.status for t in await bank.everything()] == [S.FAILED]
    assert bank.provider.diary[-1] == "void"


async def test_a_receiver_named_by_number_is_found_and_paid(bank: Bank) -> None:
    ann, bob = bank.ledger.open(), bank.ledger.open()
    order = replace(transfer_order(ann, bob), destination=bob.account_number)
    placed = await bank.placed(order, ann)
    assert placed.transaction.parties.destination == bob
    assert bank.ledger.balance(bob) == Decimal("110.00")
