"""Data of each earlier release, opened by this one: the newer migrations keep the orders and all that was decided.

For SQLite, the rows are literals of this file: what the earlier releases wrote, whatever this release would write. For
MongoDB, they are written with the earlier migrations only.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from bank.identity import ADMIN, CUSTOMER, SUPPORT
from bank.values import new_object_id, new_user_id, now
from servicekit.sqlite import Database
from subgraphs.kit.store_factory import StoreAddress
from subgraphs.kit.times import to_milliseconds
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
from subgraphs.transaction.idempotency import KeyEntry, KeyScope
from subgraphs.transaction.problems import InsufficientFunds, Problem
from subgraphs.transaction.reversal import open_reversal
from subgraphs.transaction.states import StatusChange
from subgraphs.transaction.store import mongo_schema, sqlite_migrations
from subgraphs.transaction.store.mongo import MongoTransactionStore
from subgraphs.transaction.store.protocol import Listing
from tests.subgraphs.transaction.support import (
    START,
    conclude,
    key_for,
    mongo_factory,
    party,
    payment_order,
    recorded,
    sqlite_store,
    transaction,
    transfer_order,
)

if TYPE_CHECKING:
    from mosafe.local_servers.mongod import Mongod
    from subgraphs.transaction.store.protocol import TransactionStore

S = TransactionStatus
LATER = START + timedelta(minutes=1)
ANN = Party("a" * 24, "01890000-0000-7000-8000-000000000001", "1000000005")
BOB = Party("b" * 24, "01890000-0000-7000-8000-000000000002", "1000000013")
# The order of each row, and the fingerprint of this order as the first release computed it. Repeated orders are
# recognized by it.
ORDER = Order(
    TransactionType.TRANSFER,
    Decimal("10.00"),
    "USD",
    source=ANN.account_id,
    destination=BOB.account_id,
    metadata={"invoice": "42"},
)
FINGERPRINT = "26ecd34bb4079360134d3a91fc23dba415d671cd4d5556a8c4878fbe067a9ad6"
SCOPE = KeyScope(ANN.user_id, "transfer", "key-of-the-first-release")
_PROBLEM = '{"code": "INSUFFICIENT_FUNDS", "available": "7.00", "requested": "10.00", "currency": "USD"}'
_COLUMNS = (
    "id, type, status, amount, exponent, currency, source_named, source_account_id, source_user_id,"
    " source_account_number, destination_named, destination_account_id, destination_user_id,"
    " destination_account_number, payee, metadata, problem, requester_user_id, requester_roles, principal_user_id,"
    " created_at, updated_at"
)


def old(number: int, status: S, problem: Problem | None = None) -> Transaction:
    """The transaction in a row."""
    at = START if status is S.PENDING else LATER
    return Transaction(
        id=str(number) * 24,
        order=ORDER,
        requester=Requester(ANN.user_id, frozenset({CUSTOMER})),
        parties=Parties(ANN, BOB),
        status=status,
        problem=problem,
        created_at=START,
        updated_at=at,
    )


PENDING = old(1, S.PENDING)
COMPLETED = old(2, S.COMPLETED)
FAILED = old(3, S.FAILED, InsufficientFunds(Decimal("7.00"), Decimal("10.00"), "USD"))
OLD = (PENDING, COMPLETED, FAILED)
_OLD_NUMBERS = [migration.number for migration in sqlite_migrations.MIGRATIONS[:-1]]


def write_rows(connection: sqlite3.Connection, number: int) -> None:
    """Write the rows of `OLD`, and the key of `COMPLETED`, as the release with `number` migrations did."""
    start, later = to_milliseconds(START), to_milliseconds(LATER)
    for each in OLD:
        row = (
            *(each.id, "TRANSFER", each.status.value, 1000, 2, "USD"),
            *(ANN.account_id, ANN.account_id, ANN.user_id, ANN.account_number),
            *(BOB.account_id, BOB.account_id, BOB.user_id, BOB.account_number),
            *(None, '{"invoice": "42"}', _PROBLEM if each.problem else None),
            *(ANN.user_id, '["CUSTOMER"]', ANN.user_id, start, start if each.status is S.PENDING else later),
        )
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO transactions ({_COLUMNS}) VALUES ({marks})", row)  # noqa: S608 - constants
        if number >= 4:
            history = [("PENDING", start)] + ([] if each.status is S.PENDING else [(each.status.value, later)])
            for place, (status, at) in enumerate(history, 1):
                values = (each.id, place, status, at)
                connection.execute("INSERT INTO status_changes VALUES (?, ?, ?, ?, NULL)", values)
    expires = to_milliseconds(START + timedelta(hours=48))
    key = (SCOPE.user_id, SCOPE.mutation, SCOPE.key, FINGERPRINT, COMPLETED.id, expires)
    connection.execute("INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?)", key)


@pytest.fixture(params=_OLD_NUMBERS)
async def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder with a file of the release that had this many migrations."""
    path, number = tmp_path / "transaction.sqlite3", int(request.param)
    database = await Database.open(path, sqlite_migrations.MIGRATIONS[:number])
    await database.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        write_rows(connection, number)
    return tmp_path


async def test_orders_and_their_histories_are_kept(folder: Path) -> None:
    async with sqlite_store(folder) as store:
        assert await store.by_ids([each.id for each in OLD]) == {each.id: each for each in OLD}
        assert await store.listing(Listing(ANN.user_id)) == [FAILED, COMPLETED, PENDING]
        # A transfer that is not settled is hidden from its receiver.
        assert await store.listing(Listing(BOB.user_id)) == [COMPLETED]
        first = StatusChange(S.PENDING, START)
        assert await store.histories([each.id for each in OLD]) == {
            PENDING.id: [first],
            COMPLETED.id: [first, StatusChange(S.COMPLETED, LATER)],
            FAILED.id: [first, StatusChange(S.FAILED, LATER)],
        }
        assert await store.events(after=0, limit=9) == []


async def test_an_old_order_that_is_repeated_is_recognized(folder: Path) -> None:
    async with sqlite_store(folder) as store:
        used = await store.find_key(SCOPE, LATER)
        assert used is not None
        assert (used.fingerprint, used.transaction) == (ORDER.fingerprint(), COMPLETED)
        again = open_transaction(new_object_id(), ORDER, COMPLETED.requester, COMPLETED.parties, LATER)
        entry = KeyEntry(SCOPE, ORDER.fingerprint(), LATER + timedelta(hours=48))
        assert await store.record(again, entry) == used
        assert await store.count(Listing(None)) == len(OLD)


async def continue_old_orders(store: TransactionStore, pending: Transaction, completed: Transaction) -> None:
    """Conclude an order of an earlier release, reverse another one once, and record a new one."""
    assert await store.unclaimed_ids(LATER, after="", limit=9) == [pending.id]
    done = await conclude(store, pending.id, S.COMPLETED, None, LATER)
    assert (done.status, done.updated_at) == (S.COMPLETED, LATER)
    admin = Requester(new_user_id(), frozenset({SUPPORT, ADMIN}))
    reversal = open_reversal(new_object_id(), completed, admin, LATER)
    await recorded(store, reversal)
    assert await store.by_ids([reversal.id]) == {reversal.id: reversal}
    new = await recorded(store, transaction(payment_order(ann := party()), Parties(ann, None)))
    assert await store.listing(Listing(ann.user_id)) == [new]


async def test_old_orders_are_carried_out_and_reversed(folder: Path) -> None:
    async with sqlite_store(folder) as store:
        await continue_old_orders(store, PENDING, COMPLETED)
        assert (await store.events(after=0, limit=1))[0].event.subject == PENDING.id


# --- MongoDB

# The first migration creates no collection of transactions.
_OLD_MONGO_NUMBERS = [migration.number for migration in mongo_schema.MIGRATIONS[1:-1]]


@pytest.mark.parametrize("number", _OLD_MONGO_NUMBERS)
async def test_a_mongo_database_of_an_earlier_release_goes_on(
    number: int, mongod: Mongod, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = mongod.url(f"transactions_of_release_{number}")
    with monkeypatch.context() as earlier:
        earlier.setattr(MongoTransactionStore, "migrations", mongo_schema.MIGRATIONS[:number])
        before = await MongoTransactionStore.open_at(
            StoreAddress(SecretStr(url), "TRANSACTION_DB_URL", Path("unused")), now
        )
    ann, bob = party(), party()
    pending, completed, failed = (
        transaction(transfer_order(ann, bob), Parties(ann, bob), at=START + timedelta(seconds=second))
        for second in range(3)
    )
    for each in (pending, completed, failed):
        await recorded(before, each)
    completed = await conclude(before, completed.id, S.COMPLETED, None, LATER)
    failed = await conclude(before, failed.id, S.FAILED, FAILED.problem, LATER)
    records = {each.id: each for each in (pending, completed, failed)}
    histories, identity = await before.histories([*records]), await before.identity()
    events = await before.events(after=0, limit=9)
    await before.close()

    async with mongo_factory(url)() as store:
        assert isinstance(store, MongoTransactionStore)
        assert await store.by_ids([*records]) == records
        assert await store.histories([*records]) == histories
        assert await store.identity() == identity
        assert await store.events(after=0, limit=9) == events
        again = replace(completed, id=new_object_id())
        used = await store.record(again, key_for(completed))
        assert used is not None
        assert used.transaction == completed
        await continue_old_orders(store, pending, completed)
