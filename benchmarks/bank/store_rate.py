"""Transfers through the rules and the stores of both services in one process, without GraphQL and HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from bank.service_credential import ServiceCredential
from benchmarks.bank.figures import Figure
from mosafe.local_servers.mongod import Mongod
from servicekit.garbage_collection import collect_and_freeze
from servicekit.http1.connection import RawResponse
from subgraphs.account import internal_api
from subgraphs.account.internal_requests import PartiesRequest, PostingRequest
from subgraphs.account.store.protocol import DEFAULT_LIMITS
from subgraphs.transaction.domain import Order, Requester, TransactionStatus, TransactionType
from subgraphs.transaction.fraud.resources import open_fraud_checks
from subgraphs.transaction.fraud.settings import FraudSettings
from subgraphs.transaction.ledger_client import HttpLedger
from subgraphs.transaction.order_steps import Partners
from subgraphs.transaction.payments.simulated_provider import SimulatedProvider
from subgraphs.transaction.saga import Orders, PlacedOrder
from tests.subgraphs.account import support as accounts
from tests.subgraphs.transaction import support as transactions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from subgraphs.account.domain import Account
    from subgraphs.account.limits import Limits
    from subgraphs.account.store.protocol import AccountStore
    from subgraphs.transaction.store.protocol import TransactionStore

CUSTOMERS: Final = 100
AT_ONCE: Final = 32
_CURRENCY: Final = "USD"
_keys = count()


class Rate(NamedTuple):
    """Transfers by the second of the clock, and by the second of this process's processor time."""

    by_clock: float
    by_processor: float


@dataclass(frozen=True, slots=True)
class _Internal:
    """The account service as far as its internal routes need it, called without HTTP."""

    store: AccountStore
    credential: ServiceCredential
    limits: Limits

    @property
    def writes(self) -> AccountStore:
        return self.store

    async def post(
        self, path: str, headers: Mapping[str, str], body: bytes, *, seconds: float, repeatable: bool
    ) -> RawResponse:
        _ = headers, seconds, repeatable
        if path == "/internal/parties":
            response = await internal_api.parties(self, PartiesRequest.model_validate_json(body))
        else:
            response = await internal_api.postings(self, PostingRequest.model_validate_json(body))
        return RawResponse(200, {}, json.dumps(response).encode())


class Stores(NamedTuple):
    """The stores of both services."""

    accounts: AccountStore
    transactions: TransactionStore


@asynccontextmanager
async def sqlite_stores(folder: Path) -> AsyncIterator[Stores]:
    async with (
        accounts.sqlite_factory(folder / "account.sqlite3")() as account_store,
        transactions.sqlite_store(folder) as transaction_store,
    ):
        yield Stores(account_store, transaction_store)


@asynccontextmanager
async def mongo_stores(folder: Path) -> AsyncIterator[Stores]:
    server = Mongod(folder / "mongod")
    await asyncio.to_thread(server.start)
    try:
        async with (
            accounts.mongo_factory(server.url("account"))() as account_store,
            transactions.mongo_factory(server.url("transaction"))() as transaction_store,
        ):
            yield Stores(account_store, transaction_store)
    finally:
        await asyncio.to_thread(server.stop)


async def _customers(store: AccountStore) -> list[Account]:
    """Open the accounts at a time: a store commits those that wait together, and one after the other takes long."""

    async def opened() -> Account:
        owner = accounts.person()
        account = await accounts.opened(store, owner)
        await store.post(accounts.deposit(owner, account.id, "100000.00"))
        return account

    return await asyncio.gather(*(opened() for _ in range(CUSTOMERS)))


async def _transfer(orders: Orders, payer: Account, receiver: Account) -> None:
    order = Order(TransactionType.TRANSFER, Decimal("0.01"), _CURRENCY, source=payer.id, destination=receiver.id)
    placed = await orders.place(order, Requester(payer.user_id, frozenset({"CUSTOMER"})), f"key {next(_keys)}")
    if not isinstance(placed, PlacedOrder) or placed.transaction.status is not TransactionStatus.COMPLETED:
        raise RuntimeError(f"not completed: {placed}")


async def _rate(orders: Orders, pairs: Sequence[tuple[Account, Account]]) -> Rate:
    waiting = iter(pairs)

    async def client() -> None:
        for payer, receiver in waiting:
            await _transfer(orders, payer, receiver)

    began, used = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(client())
    used = time.process_time() - used
    return Rate(len(pairs) / (time.perf_counter() - began), len(pairs) / used)


async def _measure(stores: Stores, transfers: int) -> tuple[Rate, Rate]:
    """Return the rates with the transfers spread over all accounts, and with one account that receives all."""
    credential = ServiceCredential("s" * 32)
    async with AsyncExitStack() as stack:
        fraud = await stack.enter_async_context(open_fraud_checks(FraudSettings(deadline=5), stores.transactions))
        ledger = HttpLedger(_Internal(stores.accounts, credential, DEFAULT_LIMITS), credential)
        orders = Orders(stores.transactions, Partners(ledger, SimulatedProvider(), fraud))
        customers = await _customers(stores.accounts)
        payers = [customers[1 + number % (CUSTOMERS - 1)] for number in range(transfers)]
        spread = [(payer, customers[1 + (number + 7) % (CUSTOMERS - 1)]) for number, payer in enumerate(payers)]
        hot = [(payer, customers[0]) for payer in payers]
        await _rate(orders, spread[: transfers // 10])
        # The services do the same when they have started.
        collect_and_freeze()
        # Each load is measured twice, in turn, because other processes on the machine change the rates.
        first, first_hot = await _rate(orders, spread), await _rate(orders, hot)
        second, second_hot = await _rate(orders, spread), await _rate(orders, hot)
    return max(first, second), max(first_hot, second_hot)


async def store_rates(transfers: int, *, mongo: bool) -> list[Figure]:
    """Measure both loads on a MongoDB server, which is started, if `mongo`, otherwise on SQLite."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    name, least, opened = ("MongoDB", 250, mongo_stores) if mongo else ("SQLite", 800, sqlite_stores)
    with TemporaryDirectory() as folder:
        async with opened(Path(folder)) as stores:
            spread, hot = await _measure(stores, transfers)
    return [
        Figure(f"domain and store, {name}, spread", spread.by_clock, "/s", least=least),
        Figure(f"domain and store, {name}, hot account", hot.by_clock, "/s", least=least),
        Figure(f"domain and store, {name}, spread, by processor time", spread.by_processor, "/s"),
        Figure(f"domain and store, {name}, hot by spread", hot.by_clock / spread.by_clock, "", least=0.7),
    ]
