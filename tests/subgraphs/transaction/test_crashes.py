"""The process dies at every step of every kind of order, and a new process finishes the order. No money moves twice.

A crash is a cancellation just before or just after the effect of one step. The store's file, the ledger and the
provider survive it.

Covers `subgraphs/transaction/saga.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from bank.identity import CUSTOMER
from subgraphs.transaction.domain import Requester, TransactionStatus, TransactionType
from subgraphs.transaction.lease import DURATION
from subgraphs.transaction.payment_provider import SandboxProvider
from subgraphs.transaction.reconciler import Reconciler
from subgraphs.transaction.saga import Orders, PlacedOrder
from subgraphs.transaction.store.protocol import Listing
from tests.subgraphs.transaction.support import (
    Clock,
    MemoryLedger,
    deposit_order,
    payment_order,
    sqlite_store,
    transfer_order,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from subgraphs.transaction.domain import Order, Party
    from subgraphs.transaction.payment_provider import PaymentInstruction
    from subgraphs.transaction.store.sqlite import SqliteTransactionStore

S = TransactionStatus


@dataclass
class MemoryProvider(SandboxProvider):
    """A provider that records transaction ids, as a real one does; a repeated call changes nothing."""

    authorised: set[str] = field(default_factory=set)
    captured: set[str] = field(default_factory=set)
    voided: set[str] = field(default_factory=set)

    async def authorise(self, instruction: PaymentInstruction) -> bool:
        approved = await super().authorise(instruction)
        if approved:
            self.authorised.add(instruction.transaction_id)
        return approved

    async def capture(self, instruction: PaymentInstruction) -> None:
        assert instruction.transaction_id in self.authorised - self.voided
        self.captured.add(instruction.transaction_id)

    async def void(self, instruction: PaymentInstruction) -> None:
        assert instruction.transaction_id in self.authorised - self.captured
        self.voided.add(instruction.transaction_id)


@dataclass(frozen=True)
class World:
    """What survives the process."""

    store: SqliteTransactionStore
    ledger: MemoryLedger
    provider: MemoryProvider
    ann: Party
    bob: Party

    @property
    def money(self) -> tuple[Decimal, Decimal]:
        return self.ledger.balance(self.ann), self.ledger.balance(self.bob)


# Step -> the part of the world that does it.
STEPS: Final = {
    "parties": "ledger",
    "record": "store",
    "authorise": "provider",
    "post": "ledger",
    "capture": "provider",
    "void": "provider",
    "change": "store",
    "release": "store",
}


@dataclass(frozen=True)
class Kind:
    """A kind of order: its steps, the money of Ann and Bob afterwards (100.00 each before), and its last status."""

    order: Callable[[Party, Party], Order]
    steps: tuple[str, ...]
    money: tuple[str, str]
    status: TransactionStatus


KINDS: Final = {
    "transfer": Kind(transfer_order, ("parties", "record", "post", "change"), ("90.00", "110.00"), S.COMPLETED),
    "transfer beyond funds": Kind(
        lambda ann, bob: transfer_order(ann, bob, "100.01"),
        ("parties", "record", "post", "change"),
        ("100.00", "100.00"),
        S.FAILED,
    ),
    "deposit": Kind(
        lambda ann, _: deposit_order(ann),
        ("parties", "record", "authorise", "post", "capture", "change"),
        ("110.00", "100.00"),
        S.COMPLETED,
    ),
    "payment": Kind(
        lambda ann, _: payment_order(ann),
        ("parties", "record", "authorise", "post", "capture", "change"),
        ("90.00", "100.00"),
        S.COMPLETED,
    ),
    "payment beyond funds": Kind(
        lambda ann, _: payment_order(ann, amount="100.01"),
        ("parties", "record", "authorise", "post", "void", "change"),
        ("100.00", "100.00"),
        S.FAILED,
    ),
    "declined payment": Kind(
        lambda ann, _: payment_order(ann, payee="Sandbox decline"),
        ("parties", "record", "authorise", "change"),
        ("100.00", "100.00"),
        S.FAILED,
    ),
}
CRASHES: Final = [
    (name, step, moment) for name, kind in KINDS.items() for step in kind.steps for moment in ("before", "after")
]


def die_at(world: World, step: str, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    part = getattr(world, STEPS[step])
    working = getattr(part, step)

    async def dying(*args: object, **options: object) -> object:
        if moment == "after":
            await working(*args, **options)
        raise asyncio.CancelledError

    monkeypatch.setattr(part, step, dying)


@pytest.mark.parametrize(("name", "step", "moment"), CRASHES)
async def test_a_crash_is_finished_by_the_next_process(name: str, step: str, moment: str, tmp_path: Path) -> None:
    kind, ledger = KINDS[name], MemoryLedger()
    async with sqlite_store(tmp_path) as store:
        world = World(store, ledger, MemoryProvider(), ledger.open(), ledger.open())
        order = kind.order(world.ann, world.bob)
        requester = Requester(world.ann.user_id, frozenset({CUSTOMER}))
        with pytest.MonkeyPatch.context() as patch:
            die_at(world, step, moment, patch)
            with pytest.raises(asyncio.CancelledError):
                await Orders(store, ledger, world.provider).place(order, requester, "key")

        orders = Orders(store, ledger, world.provider)
        await Reconciler(store, orders).round()
        recorded = await store.listing(Listing(viewer_id=None))
        assert len(recorded) == (0 if step == "parties" or (step, moment) == ("record", "before") else 1)
        assert all(record.status is kind.status for record in recorded)

        # The client got no response and sends the order again: it is carried out once in total.
        placed = await orders.place(order, requester, "key")
        assert isinstance(placed, PlacedOrder)
        assert placed.replayed is bool(recorded)
        assert placed.transaction.status is kind.status
        assert world.money == tuple(map(Decimal, kind.money))
        external = order.type is not TransactionType.TRANSFER
        assert world.provider.captured == (
            {placed.transaction.id} if external and kind.status is S.COMPLETED else set()
        )
        assert world.provider.authorised == world.provider.captured | world.provider.voided


@pytest.mark.parametrize(("name", "step", "moment"), CRASHES)
async def test_after_a_kill_the_next_process_waits_for_the_lease_to_expire(
    name: str, step: str, moment: str, tmp_path: Path
) -> None:
    """A killed process cannot even release its lease."""
    kind, ledger, clock = KINDS[name], MemoryLedger(), Clock()
    async with sqlite_store(tmp_path) as store:
        world = World(store, ledger, MemoryProvider(), ledger.open(), ledger.open())
        requester = Requester(world.ann.user_id, frozenset({CUSTOMER}))
        with pytest.MonkeyPatch.context() as patch:
            die_at(world, step, moment, patch)
            die_at(world, "release", "before", patch)
            with pytest.raises(asyncio.CancelledError):
                await Orders(store, ledger, world.provider, clock=clock).place(
                    kind.order(world.ann, world.bob), requester, "key"
                )

        async def statuses() -> list[TransactionStatus]:
            return [record.status for record in await store.listing(Listing(viewer_id=None))]

        left, attempts = await statuses(), list(ledger.attempts)
        reconciler = Reconciler(store, Orders(store, ledger, world.provider, clock=clock), clock=clock)
        clock.advance(DURATION - timedelta(milliseconds=1))
        await reconciler.round()
        assert await statuses() == left
        assert ledger.attempts == attempts
        clock.advance(timedelta(milliseconds=1))
        await reconciler.round()
        assert await statuses() == [kind.status] * len(left)
        if left:
            assert world.money == tuple(map(Decimal, kind.money))


async def test_the_steps_above_are_complete(tmp_path: Path) -> None:
    for name, kind in KINDS.items():
        ledger, taken = MemoryLedger(), list[str]()
        async with sqlite_store(tmp_path / name) as store:
            world = World(store, ledger, MemoryProvider(), ledger.open(), ledger.open())
            with pytest.MonkeyPatch.context() as patch:
                for step, part in STEPS.items():
                    note(getattr(world, part), step, taken, patch)
                requester = Requester(world.ann.user_id, frozenset({CUSTOMER}))
                await Orders(store, ledger, world.provider).place(kind.order(world.ann, world.bob), requester, "key")
        assert tuple(taken) == kind.steps


def note(part: object, step: str, taken: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    working = getattr(part, step)

    async def noted(*args: object, **options: object) -> object:
        taken.append(step)
        return await working(*args, **options)

    monkeypatch.setattr(part, step, noted)
