"""The process dies at every await of every kind of order, and a new process finishes the order. No money moves twice.

A crash is a cancellation just before or just after the effect of a call to the store, the ledger, the provider or the
fraud rules, which survive it. The calls are not listed here: a run without a crash enumerates them.

Covers `subgraphs/transaction/saga.py`, `subgraphs/transaction/order_steps.py` and
`subgraphs/transaction/payments/provider_events.py`.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from bank.identity import CUSTOMER, SUPPORT
from bank.values import new_user_id
from subgraphs.kit.pages import PageRequest
from subgraphs.transaction import order_steps, saga
from subgraphs.transaction.domain import SETTLED, Requester, TransactionStatus, TransactionType
from subgraphs.transaction.lease import DURATION
from subgraphs.transaction.order_steps import Partners
from subgraphs.transaction.payments import provider_events
from subgraphs.transaction.payments.provider_event import CHARGED_BACK, ProviderEvent
from subgraphs.transaction.payments.provider_events import ProviderEvents, Receipt
from subgraphs.transaction.rates.rates_file import read_rates
from subgraphs.transaction.reconciler import Reconciler
from subgraphs.transaction.review import approved, rejected
from subgraphs.transaction.saga import Orders, PlacedOrder
from subgraphs.transaction.store.protocol import Filter, Listing
from tests.subgraphs.transaction.rates.support import RATES
from tests.subgraphs.transaction.support import (
    START,
    Clock,
    MemoryLedger,
    MemoryProvider,
    ScriptedFraud,
    deposit_order,
    payment_order,
    sqlite_store,
    transfer_order,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from subgraphs.transaction.domain import Order, Party, Transaction
    from subgraphs.transaction.store.protocol import TransactionStore
    from tests.subgraphs.transaction.running_orders_contract import StoreFactory

S = TransactionStatus
TABLE: Final = read_rates(RATES, "rates")
REVIEWER: Final = Requester(new_user_id(), frozenset({SUPPORT}))


@dataclass(frozen=True)
class Kind:
    """A kind of order.

    Attributes:
        money: of Ann and Bob afterwards; each has 100.00 before.
        status: the last status.
        approves: what the reviewer does when the order is HELD.
        reverses: whether the staff reverses the COMPLETED transaction; the status is then that of the reversal.
        currencies: those of Ann's and Bob's accounts.
        waits: whether the provider is slow, so that a process gives the order back before its outcome is known.
        charges_back: whether the provider charges the COMPLETED transaction back; the status is that of the reversal.
    """

    order: Callable[[Party, Party], Order]
    money: tuple[str, str]
    status: TransactionStatus
    approves: bool = True
    reverses: bool = False
    charges_back: bool = False
    waits: bool = False
    currencies: tuple[str, str] = ("USD", "USD")

    @property
    def records(self) -> int:
        """How many transactions Ann has afterwards."""
        return 2 if self.reverses or self.charges_back else 1


def judged(order: Order, action: str) -> Order:
    return replace(order, metadata={"fraud": action})


KINDS: Final = {
    "transfer": Kind(transfer_order, ("90.00", "110.00"), S.COMPLETED),
    "transfer beyond funds": Kind(lambda ann, bob: transfer_order(ann, bob, "100.01"), ("100.00", "100.00"), S.FAILED),
    "deposit": Kind(lambda ann, _: deposit_order(ann), ("110.00", "100.00"), S.COMPLETED),
    "payment": Kind(lambda ann, _: payment_order(ann), ("90.00", "100.00"), S.COMPLETED),
    "payment beyond funds": Kind(lambda ann, _: payment_order(ann, amount="100.01"), ("100.00", "100.00"), S.FAILED),
    "declined payment": Kind(
        lambda ann, _: payment_order(ann, payee="Sandbox decline"), ("100.00", "100.00"), S.FAILED
    ),
    "blocked transfer": Kind(
        lambda ann, bob: judged(transfer_order(ann, bob), "BLOCK"), ("100.00", "100.00"), S.FAILED
    ),
    "held transfer, approved": Kind(
        lambda ann, bob: judged(transfer_order(ann, bob), "HOLD"), ("90.00", "110.00"), S.COMPLETED
    ),
    "held payment, approved": Kind(
        lambda ann, _: judged(payment_order(ann), "STEP_UP"), ("90.00", "100.00"), S.COMPLETED
    ),
    "held transfer beyond funds": Kind(
        lambda ann, bob: judged(transfer_order(ann, bob, "100.01"), "HOLD"), ("100.00", "100.00"), S.FAILED
    ),
    "held payment, declined": Kind(
        lambda ann, _: judged(payment_order(ann, payee="Sandbox decline"), "HOLD"), ("100.00", "100.00"), S.FAILED
    ),
    "held deposit, rejected": Kind(
        lambda ann, _: judged(deposit_order(ann), "HOLD"), ("100.00", "100.00"), S.FAILED, approves=False
    ),
    "reversed transfer": Kind(transfer_order, ("100.00", "100.00"), S.COMPLETED, reverses=True),
    "reversed payment": Kind(lambda ann, _: payment_order(ann), ("100.00", "100.00"), S.COMPLETED, reverses=True),
    "reversed deposit": Kind(lambda ann, _: deposit_order(ann), ("100.00", "100.00"), S.COMPLETED, reverses=True),
    "pending deposit, settles": Kind(
        lambda ann, _: replace(deposit_order(ann), instrument="pi_pending_settle"),
        ("110.00", "100.00"),
        S.COMPLETED,
        waits=True,
    ),
    "pending payment, fails": Kind(
        lambda ann, _: replace(payment_order(ann), instrument="pi_pending_fail"),
        ("100.00", "100.00"),
        S.FAILED,
        waits=True,
    ),
    "deposit, charged back": Kind(
        lambda ann, _: deposit_order(ann), ("100.00", "100.00"), S.COMPLETED, charges_back=True
    ),
    "payment, charged back": Kind(
        lambda ann, _: payment_order(ann), ("100.00", "100.00"), S.COMPLETED, charges_back=True
    ),
    "exchange": Kind(transfer_order, ("90.00", "1185.00"), S.COMPLETED, currencies=("USD", "JPY")),
    "held exchange, approved": Kind(
        lambda ann, bob: judged(transfer_order(ann, bob), "HOLD"),
        ("90.00", "1185.00"),
        S.COMPLETED,
        currencies=("USD", "JPY"),
    ),
    "reversed exchange": Kind(
        transfer_order, ("100.00", "100.00"), S.COMPLETED, reverses=True, currencies=("USD", "JPY")
    ),
    "held transfer, rejected": Kind(
        lambda ann, bob: judged(transfer_order(ann, bob), "HOLD"), ("100.00", "100.00"), S.FAILED, approves=False
    ),
}


@dataclass
class Mortal:
    """The connection of a process to one of the parts that survive it. The process dies at one of its calls.

    Attributes:
        calls: the calls of the process to all parts, in order; the processes' connections share the list.
        death: the number of the call at which the process dies, and whether it dies after the call's effect.
    """

    part: Any
    calls: list[str]
    death: tuple[int, bool] | None = None
    releases: bool = True

    def __getattr__(self, name: str) -> Any:
        working = getattr(self.part, name)

        async def call(*args: object, **options: object) -> object:
            number = len(self.calls)
            if self.death is not None and number > self.death[0] and not self.releases:
                # A killed process cannot even release its lease.
                raise asyncio.CancelledError
            self.calls.append(name)
            dies = self.death is not None and self.death[0] == number
            if dies and self.death is not None and not self.death[1]:
                raise asyncio.CancelledError
            try:
                result = await working(*args, **options)
            finally:
                if dies:
                    raise asyncio.CancelledError
            return result

        return call


class Process(NamedTuple):
    """The parts of a process that carry out orders."""

    orders: Orders
    events: ProviderEvents


@dataclass
class Bank:
    """What survives the processes: the parts of all orders of a test, on one store."""

    store: TransactionStore
    clock: Clock = field(default_factory=Clock)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    provider: MemoryProvider = field(default_factory=MemoryProvider)
    fraud: ScriptedFraud = field(default_factory=ScriptedFraud)

    def process(self, death: tuple[int, bool] | None = None, *, releases: bool = True) -> tuple[Process, list[str]]:
        """A new process, and the list of its calls."""
        calls: list[str] = []
        store, ledger, provider, fraud = (
            Mortal(part, calls, death, releases) for part in (self.store, self.ledger, self.provider, self.fraud)
        )
        orders = Orders(store, Partners(ledger, provider, fraud, lambda: TABLE), clock=self.clock)
        return Process(orders, ProviderEvents(store, orders, provider, self.clock)), calls

    async def reconcile(self) -> None:
        process, _ = self.process()
        # In the second round, the provider has decided about the payments that it got in the first one.
        for _ in range(2):
            self.provider.decide()
            await Reconciler(self.store, process.orders, clock=self.clock).round()
        await process.events.resume_open()


@dataclass
class World:
    """The people and the order of one crash."""

    kind: Kind
    bank: Bank

    def __post_init__(self) -> None:
        self.ann, self.bob = (self.bank.ledger.open(currency=currency) for currency in self.kind.currencies)
        self.order = self.kind.order(self.ann, self.bob)

    async def play(self, process: Process) -> Transaction:
        """The customer places the order; if it is HELD, the reviewer decides; the provider sends its news."""
        orders = process.orders
        placed = await orders.place(self.order, Requester(self.ann.user_id, frozenset({CUSTOMER})), "key")
        assert isinstance(placed, PlacedOrder)
        if self.kind.reverses and placed.transaction.status in SETTLED:
            return await self.reverse(orders, placed.transaction)
        if placed.transaction.id in self.bank.provider.pending and placed.transaction.is_open:
            self.bank.provider.decide()
            return await self.news(process, placed.transaction, "payment.authorised")
        if self.kind.charges_back and placed.transaction.status in SETTLED:
            self.bank.provider.charged_back.add(placed.transaction.id)
            first = await self.news(process, placed.transaction, CHARGED_BACK)
            assert first.status is S.REVERSED
            return next(record for record in await self.records() if record.is_chargeback)
        if placed.transaction.status is not S.HELD:
            return placed.transaction
        at = self.bank.clock()
        approve = partial(approved, reviewer=REVIEWER, rule=orders.four_eyes, at=at)
        decide = approve if self.kind.approves else partial(rejected, reviewer=REVIEWER, at=at)
        return await orders.review(placed.transaction.id, decide, by=REVIEWER.user_id)

    async def news(self, process: Process, placed: Transaction, kind: str) -> Transaction:
        event = ProviderEvent(f"evt-{kind}-{placed.id}", kind, placed.id, "pay", self.bank.clock())
        assert await process.events.receive(event) is not Receipt.UNKNOWN_ORDER
        return (await self.bank.store.by_ids([placed.id]))[placed.id]

    async def reverse(self, orders: Orders, original: Transaction) -> Transaction:
        placed = await orders.reverse(original, REVIEWER, f"reversal of {original.id}")
        assert isinstance(placed, PlacedOrder)
        first = (await self.bank.store.by_ids([original.id]))[original.id]
        assert (first.status is S.REVERSED) is (placed.transaction.status is S.COMPLETED)
        return placed.transaction

    async def records(self) -> list[Transaction]:
        return list(await self.bank.store.listing(Listing(self.ann.user_id)))

    def check(self, done: Transaction) -> None:
        """Check the outcome of the order in every part of the bank."""
        ledger, provider = self.bank.ledger, self.bank.provider
        assert done.status is self.kind.status
        assert (ledger.balance(self.ann), ledger.balance(self.bob)) == tuple(map(Decimal, self.kind.money))
        is_captured = self.order.type is not TransactionType.TRANSFER and done.status is S.COMPLETED
        is_captured = is_captured and not done.is_chargeback
        assert (done.id in provider.captured) is is_captured
        assert (done.id in provider.authorised) is (done.id in provider.captured | provider.voided)
        assert (done.decision is None) is (self.kind.reverses or self.kind.charges_back)
        assert done.id not in ledger.holds


async def crashed_worlds(kind: Kind, bank: Bank, *, releases: bool) -> list[World]:
    """One world for each crash point of the order, after the crash."""
    whole = World(kind, bank)
    process, calls = bank.process()
    whole.check(await whole.play(process))
    worlds: list[World] = []
    for number in range(len(calls)):
        for after in (False, True):
            world = World(kind, bank)
            dying, made = bank.process((number, after), releases=releases)
            with suppress(asyncio.CancelledError):
                await world.play(dying)
            # The process made the same calls up to its death, so that each call of the order was a crash point.
            assert made[: number + 1] == calls[: number + 1]
            worlds.append(world)
    return worlds


@pytest.mark.parametrize("name", KINDS)
async def test_a_crash_is_finished_by_the_next_process(name: str, stores: StoreFactory) -> None:
    async with stores() as store:
        bank = Bank(store)
        worlds = await crashed_worlds(KINDS[name], bank, releases=True)
        if KINDS[name].waits:
            # The process of one world died when it released its lease, so this lease must expire.
            bank.clock.advance(DURATION)
        await bank.reconcile()
        process, _ = bank.process()
        for world in worlds:
            left = await world.records()
            assert len(left) <= world.kind.records
            assert [record for record in left if record.status is S.PENDING] == []
            # The client got no response and sends the order again: it is carried out once in total.
            world.check(await world.play(process))
            assert len(await world.records()) == world.kind.records


@pytest.mark.parametrize("name", KINDS)
async def test_after_a_kill_the_next_process_waits_for_the_lease_to_expire(name: str, tmp_path: Path) -> None:
    async with sqlite_store(tmp_path) as store:
        bank = Bank(store)
        worlds = await crashed_worlds(KINDS[name], bank, releases=False)
        everything = Listing(None, page=PageRequest(limit=500))
        # An order that was approved just before the crash has no lease, so it does not wait.
        free = set(await store.unclaimed_ids(START, after="", limit=500))
        before, attempts = list(await store.listing(everything)), list(bank.ledger.attempts)
        bank.clock.advance(DURATION - timedelta(milliseconds=1))
        await bank.reconcile()
        after = {record.id: record for record in await store.listing(everything)}
        leased = [record for record in before if record.id not in free and record.status is S.PENDING]
        assert leased == [after[record.id] for record in leased]
        assert {record.id for record in leased}.isdisjoint(bank.ledger.attempts[len(attempts) :])
        bank.clock.advance(timedelta(milliseconds=1))
        await bank.reconcile()
        assert await store.listing(Listing(None, Filter(statuses=frozenset({S.PENDING})))) == []
        process, _ = bank.process()
        for world in worlds:
            world.check(await world.play(process))
            assert len(await world.records()) == world.kind.records


# What the saga awaits besides the parts that survive it: its own methods, and its tasks.
OWN: Final = {
    "shield",
    "wait",
    "_place",
    "_run",
    "_release",
    "resume",
    "carry_out",
    "_judge",
    "_conclude",
    "_post",
    "_hold",
    "_finish",
    "_free",
    "_follow",
    "_carry_out",
    "_charge_back",
    "charge_back",
}
PARTS: Final = {"_store", "_provider", "_ledger", "ledger", "provider", "fraud"}


def test_every_await_is_a_call_to_a_part_that_survives_or_to_the_saga_itself() -> None:
    """So the crash points above are all awaits of the saga."""
    strange = []
    for module in (saga, order_steps, provider_events):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if not isinstance(node, ast.Await):
                continue
            calls = [each for each in ast.walk(node.value) if isinstance(each, ast.Call)]
            names = [each.func for each in calls if isinstance(each.func, ast.Attribute)]
            # `opened` is defined in the same module, so its own awaits are checked, too.
            if ast.unparse(node.value).startswith("opened("):
                continue
            if not any(
                name.attr in OWN or ast.unparse(name.value).rpartition(".")[2] in PARTS or name.attr == "_external"
                for name in names
            ):
                strange.append(f"{module.__name__}:{node.lineno}: {ast.unparse(node)}")
    assert strange == []
