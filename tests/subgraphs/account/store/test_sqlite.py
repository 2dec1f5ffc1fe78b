"""The SQLite store: the contract of every store, and the statements that its file refuses.

Covers `subgraphs/account/store/sqlite.py`, `subgraphs/account/store/sqlite_ledger.py`,
`subgraphs/account/store/sqlite_rows.py`, `subgraphs/account/store/ledger_operations.py` and
`subgraphs/account/store/sqlite_migrations.py`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bank import values
from servicekit.errors import Unavailable
from servicekit.sqlite import Database
from subgraphs.account.holds import Hold
from subgraphs.account.store import sqlite_ledger
from subgraphs.account.store.sqlite_migrations import MIGRATIONS
from tests.subgraphs.account.store_contract import CONTRACT
from tests.subgraphs.account.support import (
    current,
    deposit,
    funded,
    opened,
    person,
    sqlite_factory,
    transfer,
    withdrawal,
)
from tests.subgraphs.kit.outbox_contract import last_sequence, types_since
from tests.subgraphs.recorded_statements import Statements, record_statements

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.subgraphs.account.support import StoreFactory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "account.sqlite3"


STATEMENTS = Statements(
    {
        "SELECT count(*) AS n FROM accounts WHERE +internal_name": "counts for staff, with totalCount only",
        "DELETE FROM outbox WHERE sequence IN": "reads the first rows of the outbox, up to a limit",
    },
    MIGRATIONS,
    # It is null for all accounts of customers.
    weak=["(internal_name=?)"],
)


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
async def test_contract(
    check: Callable[[StoreFactory], Awaitable[None]], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store does what all stores do, by statements that use an index."""
    with monkeypatch.context() as patch:
        statements = record_statements(patch)
        await check(sqlite_factory(path))
    STATEMENTS.check(statements, path)


# What `{columns}` stands for in a statement.
COLUMNS = "(transaction_id, line, account_id, currency, amount, balance_after, posted_at, hash)"

# A statement and the constraint that refuses it.
FORBIDDEN = [
    ("UPDATE accounts SET balance = balance + 1", "a balance changes by entries only"),
    ("UPDATE accounts SET balance = balance + 1, version = version + 1", "a balance changes by entries only"),
    ("UPDATE accounts SET status = 'FROZEN'", "the version must rise"),
    ("UPDATE accounts SET number = '0000000000', version = version + 1", "an account keeps its identity"),
    ("UPDATE accounts SET user_id = 'me', version = version + 1", "an account keeps its identity"),
    ("UPDATE accounts SET currency = 'EUR', version = version + 1", "an account keeps its identity"),
    ("UPDATE accounts SET held = 0, version = version + 1 WHERE held > 0", "held money changes by holds only"),
    ("UPDATE accounts SET status = 'CLOSED', version = version + 1", "closed_accounts_are_empty"),
    ("DELETE FROM accounts", "accounts are closed, never deleted"),
    ("UPDATE accounts SET held = 1, version = version + 1", "held money changes by holds only"),
    ("UPDATE holds SET amount = 1", "a hold keeps its identity"),
    ("UPDATE holds SET status = 'EXPIRED', ended_at = '' WHERE status <> 'HELD'", "a hold ends once"),
    ("DELETE FROM holds", "holds are never deleted"),
    ("UPDATE entries SET hash = x'00'", "entries never change"),
    (
        (
            "INSERT INTO entries (transaction_id, line, account_id, currency, amount, balance_after, posted_at)"
            " SELECT 'new', 0, id, currency, 1, balance + 1, '' FROM accounts"
        ),
        "an entry has its hash",
    ),
    ("UPDATE entries SET amount = 1", "entries never change"),
    ("DELETE FROM entries", "entries are never deleted"),
    ("UPDATE postings SET outcome = 'REFUSED'", "postings never change"),
    ("DELETE FROM postings", "postings are never deleted"),
    (
        (
            "INSERT INTO accounts (id, internal_name, currency, balance, status, balance_as_of, created_at, updated_at)"
            " VALUES ('x', 'GIFT', 'USD', 5, 'ACTIVE', '', '', '')"
        ),
        "an account starts empty",
    ),
    (
        (
            "INSERT INTO accounts (id, currency, status, balance_as_of, created_at, updated_at)"
            " VALUES ('x', 'USD', 'ACTIVE', '', '', '')"
        ),
        "customer_or_internal",
    ),
    # One more line for a complete transaction.
    (
        (
            "INSERT INTO entries {columns} SELECT transaction_id, 9, account_id, currency, 1, balance_after + 1,"
            " posted_at, x'00' FROM entries ORDER BY sequence DESC LIMIT 1"
        ),
        "the transaction is complete",
    ),
    (
        "INSERT INTO entries {columns} SELECT 'new', 0, id, currency, 1, balance + 2, '', x'00' FROM accounts",
        "an entry continues its account",
    ),
    (
        (
            "INSERT INTO entries {columns} SELECT 'new', 0, id, currency, -1 - balance, -1, '', x'00' FROM accounts"
            " WHERE user_id IS NOT NULL"
        ),
        "customers_are_never_overdrawn",
    ),
    ("INSERT INTO postings VALUES ('new', '', 'TRANSFER', 'me', 'POSTED', NULL, '')", "the entries do not balance"),
    ("INSERT INTO postings VALUES ('new', '', 'TRANSFER', 'me', 'REFUSED', NULL, '')", "refusals_have_a_problem"),
    ("INSERT INTO postings VALUES ('new', '', 'TRANSFER', 'me', 'POSTED', '{}', '')", "entries do not balance"),
]


@pytest.mark.parametrize(("statement", "reason"), FORBIDDEN, ids=lambda text: text[:70])
async def test_the_file_itself_refuses(statement: str, reason: str, path: Path) -> None:
    async with sqlite_factory(path)() as store:
        account = await funded(store, ann := person(), "10.00")
        orders = [withdrawal(ann, account.id, "1.00") for _ in range(2)]
        for order in orders:
            assert isinstance(await store.reserve(order, values.now() + timedelta(hours=1)), Hold)
        await store.release(orders[0].transaction_id)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError, match=reason):
            connection.execute(statement.replace("{columns}", COLUMNS))


async def test_half_a_posting_cannot_be_completed_or_committed(path: Path) -> None:
    async with sqlite_factory(path)() as store:
        await funded(store, person(), "10.00")
    half = (
        "INSERT INTO entries {columns} SELECT 'new', 0, id, currency, 1, balance + 1, '', x'00' FROM accounts"
        " WHERE user_id IS NOT NULL"
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN")
        connection.execute(half.replace("{columns}", COLUMNS))
        for outcome, problem, reason in (("POSTED", None, "do not balance"), ("REFUSED", "{}", "has no entries")):
            with pytest.raises(sqlite3.IntegrityError, match=reason):
                connection.execute("INSERT INTO postings VALUES ('new', '', '', '', ?, ?, '')", (outcome, problem))
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            connection.execute("COMMIT")


async def test_a_file_locked_by_another_is_unavailable_and_recovers(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("servicekit.sqlite.BUSY_SECONDS", 0.05)
    async with sqlite_factory(path)() as store:
        ann = person()
        account = await opened(store, ann)
        posting = deposit(ann, account.id, "1.00")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable):
                await store.post(posting)
            assert await current(store, account) == account
            other.execute("ROLLBACK")
        assert (await store.post(posting)).posted


@pytest.mark.parametrize("step", ["_record", "append_events"])
async def test_a_failure_amid_a_posting_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    async with sqlite_factory(path)() as store:
        ann = person()
        source, destination = await funded(store, ann, "10.00"), await opened(store, ann)
        posting = transfer(ann, source.id, destination.id, "4.00")
        before = await last_sequence(store)

        async def fail(*_: object) -> None:
            raise ConnectionResetError

        with monkeypatch.context() as patch:
            patch.setattr(sqlite_ledger, step, fail)
            with pytest.raises(ConnectionResetError):
                await store.post(posting)
        assert await current(store, source) == source
        assert await types_since(store, before) == []
        assert (await store.post(posting)).posted
        assert await types_since(store, before) == ["account.posted"] * 2


async def test_a_file_of_the_first_release_gains_an_outbox(path: Path) -> None:
    old = await Database.open(path, MIGRATIONS[:1])
    await old.close()
    async with sqlite_factory(path)() as store:
        await funded(store, person(), "10.00")
        assert await types_since(store, 0) == ["account.opened", "account.posted"]
