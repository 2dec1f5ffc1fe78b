"""People, orders and transactions for tests, and a ledger in memory."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from bank.identity import CUSTOMER, SUPPORT, Caller
from bank.values import is_object_id, new_object_id, new_user_id, now
from servicekit.errors import Unavailable
from subgraphs.kit.store_factory import StoreAddress
from subgraphs.transaction.domain import (
    Order,
    Parties,
    Party,
    Requester,
    Transaction,
    TransactionStatus,
    TransactionType,
    open_transaction,
)
from subgraphs.transaction.fraud.decision import Action, Decision
from subgraphs.transaction.idempotency import KEY_LIFETIME, KeyEntry, KeyScope
from subgraphs.transaction.ledger_client import Held, OutcomeUnknown, Posted, Refused
from subgraphs.transaction.payment_provider import PaymentState, ProviderPending
from subgraphs.transaction.payments.simulated_provider import SimulatedProvider
from subgraphs.transaction.problems import InsufficientFunds, InvalidAccount, OrderRefused, Problem
from subgraphs.transaction.states import MOVES, moved
from subgraphs.transaction.store.mongo import MongoTransactionStore
from subgraphs.transaction.store.sqlite import SqliteTransactionStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from subgraphs.transaction.payment_provider import PaymentInstruction
    from subgraphs.transaction.store.protocol import TransactionStore

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def caller(user_id: str | None = None, *roles: str) -> Caller:
    return Caller(user_id or new_user_id(), "session", frozenset(roles or (CUSTOMER,)))


def staff() -> Caller:
    return caller(None, SUPPORT)


def party(user_id: str | None = None, number: str = "1000000004") -> Party:
    return Party(new_object_id(), user_id or new_user_id(), number)


def transfer_order(source: Party, destination: Party, amount: str = "10.00", currency: str = "USD") -> Order:
    return Order(
        TransactionType.TRANSFER,
        Decimal(amount),
        currency,
        source=source.account_id,
        destination=destination.account_id,
    )


def deposit_order(destination: Party, amount: str = "10.00", currency: str = "USD") -> Order:
    return Order(TransactionType.DEPOSIT, Decimal(amount), currency, destination=destination.account_id)


def payment_order(source: Party, payee: str = "Water works", amount: str = "10.00") -> Order:
    return Order(TransactionType.PAYMENT, Decimal(amount), "USD", source=source.account_id, payee=payee)


def transaction(
    order: Order,
    parties: Parties,
    *,
    at: datetime = START,
    status: TransactionStatus | None = None,
    problem: Problem | None = None,
) -> Transaction:
    """A record of `order`, requested by the owner of the debited account, or of the account that a deposit credits."""
    own = parties.destination if order.type is TransactionType.DEPOSIT else parties.source
    requester = Requester(own.user_id if own else new_user_id(), frozenset({CUSTOMER}))
    opened = open_transaction(new_object_id(), order, requester, parties, at)
    return replace(opened, status=status or opened.status, problem=problem or opened.problem)


def key_for(record: Transaction, key: str | None = None) -> KeyEntry:
    scope = KeyScope(record.requester.user_id, record.order.type, key or record.id)
    return KeyEntry(scope, record.order.fingerprint(), record.created_at + KEY_LIFETIME)


async def recorded(store: TransactionStore, record: Transaction) -> Transaction:
    """Insert `record`, in any status, and return it."""
    assert await store.record(record, key_for(record)) is None
    return record


async def conclude(
    store: TransactionStore, transaction_id: str, status: TransactionStatus, problem: Problem | None, at: datetime
) -> Transaction:
    """Change a transaction to `status` by the move that leads there, or not at all if it has the status."""

    def decide(found: Transaction) -> Transaction:
        moves = [move for move, row in MOVES.items() if row.after is status and row.before is not None]
        legal = [move for move in moves if MOVES[move].before is found.status]
        return moved(found, next(iter(legal or moves)), at, problem)

    return await store.change(transaction_id, decide)


@asynccontextmanager
async def sqlite_store(folder: Path) -> AsyncIterator[SqliteTransactionStore]:
    store = await SqliteTransactionStore.open_file(folder / "transaction.sqlite3")
    try:
        yield store
    finally:
        await store.close()


def mongo_factory(url: str) -> Callable[[], AbstractAsyncContextManager[TransactionStore]]:
    """Return a function that opens a store on the database of `url`."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[TransactionStore]:
        address = StoreAddress(SecretStr(url), "TRANSACTION_DB_URL", Path("unused"))
        store = await MongoTransactionStore.open_at(address, now)
        try:
            yield store
        finally:
            await store.close()

    return opened


def ticking(start: datetime = START, step: timedelta = timedelta(milliseconds=1)) -> Iterator[datetime]:
    """Moments, one after the other."""
    moment = start
    while True:
        yield moment
        moment += step


@dataclass
class Clock:
    """A clock that only `advance` moves."""

    moment: datetime = START

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


@dataclass
class ScriptedFraud:
    """Decides as the metadata of an order says: `{"fraud": "HOLD"}`. Other orders are allowed.

    Attributes:
        judged: the transaction ids of all decisions in order.
        counted: the transaction ids of completed orders.
    """

    judged: list[str] = field(default_factory=list)
    counted: set[str] = field(default_factory=set)

    async def decide(self, transaction: Transaction) -> Decision:
        self.judged.append(transaction.id)
        action = Action(transaction.order.metadata.get("fraud", "ALLOW"))
        return Decision(action, 0 if action is Action.ALLOW else 70, "test", (), transaction.created_at)

    async def settled(self, transaction: Transaction) -> None:
        if transaction.status is TransactionStatus.COMPLETED:
            self.counted.add(transaction.id)


@dataclass
class MemoryProvider(SimulatedProvider):
    """A provider that records transaction ids, as a real one does; a repeated call changes nothing."""

    authorised: set[str] = field(default_factory=set)
    captured: set[str] = field(default_factory=set)
    voided: set[str] = field(default_factory=set)
    charged_back: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)
    decided: set[str] = field(default_factory=set)

    def decide(self) -> None:
        """Decide about all pending payments."""
        self.decided |= self.pending

    async def state(self, order_id: str) -> PaymentState | None:
        states = (
            (self.charged_back, PaymentState.CHARGED_BACK),
            (self.captured, PaymentState.CAPTURED),
            (self.voided, PaymentState.VOIDED),
            (self.authorised, PaymentState.AUTHORISED),
        )
        return next((state for ids, state in states if order_id in ids), None)

    async def authorise(self, instruction: PaymentInstruction) -> bool:
        is_slow = (instruction.instrument or "").startswith("pi_pending")
        if is_slow and instruction.transaction_id not in self.decided:
            self.pending.add(instruction.transaction_id)
            raise ProviderPending
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


@dataclass
class MemoryLedger:
    """A ledger in memory: each transaction is posted or refused once and then has the same outcome.

    Attributes:
        accounts: the known accounts, by id.
        balances: of customers' accounts, without held money.
        holds: the money that is reserved, by transaction id.
        attempts: transaction ids of all postings in order, with repetitions.
        lose_responses: the number of responses to lose after the posting was made.
        refuse_connections: the number of calls to fail before anything happens.
        gate: postings wait for it; open at first.
    """

    accounts: dict[str, Party] = field(default_factory=dict)
    balances: dict[str, Decimal] = field(default_factory=dict)
    attempts: list[str] = field(default_factory=list)
    lose_responses: int = 0
    refuse_connections: int = 0
    lookups: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    decided: dict[str, Posted | Refused] = field(default_factory=dict)
    holds: dict[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gate.set()

    def open(self, owner: str | None = None, balance: str = "100.00", currency: str | None = None) -> Party:
        account = replace(party(owner, f"{len(self.accounts):010}"), currency=currency)
        self.accounts[account.account_id] = account
        self.balances[account.account_id] = Decimal(balance)
        return account

    def balance(self, account: Party) -> Decimal:
        return self.balances[account.account_id]

    async def parties(self, order: Order, requester: Requester) -> Parties:
        del requester
        self.lookups += 1
        if self.refuse_connections:
            self.refuse_connections -= 1
            raise Unavailable
        return Parties(self._find(order.source), self._find(order.destination))

    async def post(self, transaction: Transaction) -> Posted | Refused:
        self.attempts.append(transaction.id)
        self.arrived.set()
        await self.gate.wait()
        if self.refuse_connections:
            self.refuse_connections -= 1
            raise OutcomeUnknown("unreachable")
        if transaction.id not in self.decided:
            self.decided[transaction.id] = self._decide(transaction)
        if self.lose_responses:
            self.lose_responses -= 1
            raise OutcomeUnknown("timeout")
        return self.decided[transaction.id]

    async def reserve(self, transaction: Transaction, expires_at: datetime) -> Held | Refused:
        assert expires_at > transaction.created_at
        decided = self.decided.get(transaction.id)
        if isinstance(decided, Refused):
            return decided
        assert decided is None
        if transaction.id not in self.holds:
            source, amount = transaction.parties.source, transaction.order.amount
            assert source is not None
            if (refusal := self._refusal(transaction)) is not None:
                self.decided[transaction.id] = refusal
                return refusal
            self.balances[source.account_id] -= amount
            self.holds[transaction.id] = amount
        return Held()

    async def release_hold(self, transaction: Transaction) -> None:
        source = transaction.parties.source
        if transaction.id in self.holds:
            assert source is not None
            self.balances[source.account_id] += self.holds.pop(transaction.id)
            self.decided[transaction.id] = Refused(OrderRefused())

    def _find(self, named: str | None) -> Party | None:
        if named is None or is_object_id(named):
            return self.accounts.get(named or "")
        return next((p for p in self.accounts.values() if p.account_number == named), None)

    def _decide(self, transaction: Transaction) -> Posted | Refused:
        order, parties = transaction.order, transaction.parties
        captured = self.holds.pop(transaction.id, None) is not None
        if not captured and (refusal := self._refusal(transaction)) is not None:
            return refusal
        if parties.source and not captured:
            self.balances[parties.source.account_id] -= order.amount
        if parties.destination:
            conversion = transaction.conversion
            self.balances[parties.destination.account_id] += conversion.amount if conversion else order.amount
        return Posted()

    def _refusal(self, transaction: Transaction) -> Refused | None:
        order, parties = transaction.order, transaction.parties
        if order.destination is not None and parties.destination is None:
            return Refused(InvalidAccount(account_id=order.destination))
        if parties.source and (available := self.balance(parties.source)) < order.amount:
            return Refused(InsufficientFunds(available, order.amount, order.currency))
        return None
