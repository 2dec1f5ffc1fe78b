"""Lists of accounts, statements and look-ups do as much work among 10,000 accounts and entries as among 1,000."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bson import Decimal128, ObjectId
from pymongo.write_concern import WriteConcern

from bank.values import format_timestamp, new_object_id, new_user_id
from subgraphs.account.domain import Account, AccountStatus, AccountType
from subgraphs.account.statements import Period
from subgraphs.account.store.mongo_documents import account_document
from subgraphs.account.store.protocol import AccountFilter
from subgraphs.kit.pages import PageRequest
from subgraphs.kit.times import to_milliseconds
from tests.subgraphs.account.support import deposit, funded, person, sqlite_factory
from tests.subgraphs.flat_work import LONG, SHORT, check_flat, work_of
from tests.subgraphs.recorded_commands import examined, record_commands
from tests.subgraphs.recorded_statements import StepCounter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    import pytest
    from pymongo import MongoClient
    from pymongo.collection import Collection

    from subgraphs.account.postings import OnBehalfOf
    from subgraphs.account.store.protocol import AccountStore
    from tests.subgraphs.account.support import StoreFactory

BEGIN: Final = datetime(2020, 1, 1, tzinfo=UTC)
ALL: Final = AccountFilter()


def moment(number: int) -> datetime:
    return BEGIN + timedelta(seconds=number)


def position(number: int) -> int:
    """An even position in the chain; the store's own postings, after these entries, have odd ones."""
    return 2 * number


def many_accounts(first: int, last: int) -> Iterator[Account]:
    """Accounts of other people."""
    for number in range(first, last):
        yield Account(
            id=new_object_id(),
            user_id=new_user_id(),
            number=f"{number:010}",
            type=AccountType.SAVINGS,
            currency="USD",
            balance=Decimal128("0.00").to_decimal(),
            held=Decimal128("0.00").to_decimal(),
            status=AccountStatus.ACTIVE,
            version=1,
            balance_as_of=BEGIN,
            created_at=BEGIN,
            updated_at=BEGIN,
        )


def reads(store: AccountStore, account: Account, ann: OnBehalfOf, size: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    period = Period(BEGIN, moment(10 * LONG))
    middle = (str(to_milliseconds(moment(size // 2))), str(position(size // 2)))
    found: dict[str, Callable[[], Awaitable[Any]]] = {
        "by id": lambda: store.by_ids([account.id]),
        "by number": lambda: store.by_numbers([account.number]),
        "a person's accounts": lambda: store.pages_of([ann.user_id], ALL, PageRequest()),
        "how many a person has": lambda: store.counts_of([ann.user_id], ALL),
        "everybody's first page": lambda: store.page(ALL, PageRequest(20)),
        "everybody's last page": lambda: store.page(ALL, PageRequest(20, backwards=True)),
        "a page after an account": lambda: store.page(ALL, PageRequest(20, after=("1" * 24,))),
        "first entries": lambda: store.entries([(account.id, period)], PageRequest(20)),
        "last entries": lambda: store.entries([(account.id, period)], PageRequest(20, backwards=True)),
        "entries in the middle": lambda: store.entries([(account.id, period)], PageRequest(20, after=middle)),
        "balance at a time": lambda: store.balances_before([(account.id, moment(size // 2))]),
        "a posting": lambda: store.post(deposit(ann, account.id, "1.00")),
    }
    # Nearly all accounts are active savings accounts in USD.
    filters = {
        "frozen": AccountFilter((AccountStatus.FROZEN,)),
        "checking": AccountFilter(types=(account.type,)),
        "checking of any status": AccountFilter(None, (account.type,)),
        "in JPY": AccountFilter(currencies=("JPY",)),
        "checking in USD": AccountFilter(None, (account.type,), ("USD",)),
        "active or frozen": AccountFilter(),
    }
    for name, wanted in filters.items():
        found[name] = partial(store.page, wanted, PageRequest(20))
        found[f"{name}, backwards"] = partial(store.page, wanted, PageRequest(20, backwards=True))
        found[f"{name}, after"] = partial(store.page, wanted, PageRequest(20, after=("1" * 24,)))
    return found


async def test_in_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, work = tmp_path / "account.sqlite3", []
    counter = StepCounter(monkeypatch)

    def steps() -> int:
        counted, counter.steps = counter.steps, 0
        return counted

    async with sqlite_factory(path)() as store:
        account = await funded(store, ann := person(), "1.00")
        for first, last in ((1, SHORT), (SHORT, LONG)):
            fill_sqlite(path, account, first, last)
            work.append(await work_of(reads(store, account, ann, last), steps))
    check_flat(*work)


def fill_sqlite(path: Path, account: Account, first: int, last: int) -> None:
    """Add accounts, and older entries of one account, without the checks of the file, which take long."""
    with closing(sqlite3.connect(path)) as connection, connection:
        checks = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in checks:
            connection.execute(f"DROP TRIGGER {name}")
        connection.executemany(
            "INSERT INTO accounts (id, user_id, number, type, currency, status, balance_as_of, created_at, updated_at)"
            " VALUES (?, ?, ?, 'SAVINGS', 'USD', 'ACTIVE', ?, ?, ?)",
            [
                (each.id, each.user_id, each.number, *[format_timestamp(BEGIN)] * 3)
                for each in many_accounts(first, last)
            ],
        )
        connection.executemany(
            "INSERT INTO entries (transaction_id, line, account_id, currency, amount, balance_after, posted_at,"
            " position, hash) VALUES (?, 0, ?, 'USD', 1, 1, ?, ?, x'00')",
            [
                (new_object_id(), account.id, format_timestamp(moment(number)), position(number))
                for number in range(first, last)
            ],
        )
        for _, statement in checks:
            connection.execute(statement)


async def test_in_mongodb(
    mongo_stores: StoreFactory, mongo_database: MongoClient[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, work, database = record_commands(monkeypatch), [], mongo_database.get_default_database()

    def keys_and_documents() -> int:
        counted = examined(database, recorder.commands)
        recorder.commands.clear()
        return counted

    async with mongo_stores() as store:
        account = await funded(store, ann := person(), "1.00")
        for first, last in ((1, SHORT), (SHORT, LONG)):
            accounts = list(many_accounts(first, last))
            insert(database["accounts"], [account_document(each) for each in accounts])
            keys = [{"_id": each.number, "accountId": ObjectId(each.id), "userId": each.user_id} for each in accounts]
            insert(database["account_keys"], keys)
            insert(database["entries"], [entry(account, number) for number in range(first, last)])
            recorder.commands.clear()
            work.append(await work_of(reads(store, account, ann, last), keys_and_documents))
    check_flat(*work)


def insert(collection: Collection[dict[str, Any]], documents: list[dict[str, Any]]) -> None:
    """Insert without checks and without waiting for the disk."""
    fast = collection.with_options(write_concern=WriteConcern(w=1, j=False))
    fast.insert_many(documents, ordered=False, bypass_document_validation=True)


def entry(account: Account, number: int) -> dict[str, Any]:
    return {
        "transactionId": ObjectId(),
        "line": 0,
        "currency": "USD",
        "amount": Decimal128("0.01"),
        "postedAt": moment(number),
        "accountId": ObjectId(account.id),
        "balanceAfter": Decimal128("0.01"),
        "position": position(number),
        "hash": b"",
    }
