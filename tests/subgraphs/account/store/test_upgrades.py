"""Data of each earlier release, opened by this one: the newer migrations keep the money and all that was decided.

For SQLite, the rows are literals of this file: what the earlier releases wrote, whatever this release would write. For
MongoDB, they are written with the earlier migrations only.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bank import values
from servicekit.sqlite import Database
from subgraphs.account.domain import AccountStatus
from subgraphs.account.postings import CustomerAccount, Entry, InternalAccount, OnBehalfOf, Posting, PostingType
from subgraphs.account.statements import Period
from subgraphs.account.store import mongo_migrations, sqlite_migrations
from subgraphs.account.store.mongo import MongoAccountStore
from subgraphs.account.store.sqlite_ledger_check import check_ledger
from subgraphs.kit.pages import PageRequest
from tests.subgraphs.account.support import (
    KEY,
    code_of,
    current,
    funded,
    mongo_address,
    mongo_factory,
    opened,
    person,
    sqlite_factory,
    transfer,
    with_status,
    withdrawal,
)
from tests.subgraphs.kit.outbox_contract import types_since

if TYPE_CHECKING:
    from pathlib import Path

    from mosafe.local_servers.mongod import Mongod

ANN = OnBehalfOf("01890000-0000-7000-8000-000000000001", frozenset())
OPEN, FROZEN, CLOSED, DEPOSITS, WITHDRAWALS = "a" * 24, "b" * 24, "c" * 24, "d" * 24, "e" * 24
FIRST, SECOND, THIRD, REFUSED = "1" * 24, "2" * 24, "3" * 24, "4" * 24
_REFUSAL = '{"code": "INSUFFICIENT_FUNDS", "available": "7.00", "requested": "900.00", "currency": "USD"}'
# The hash of each order as the first release computed it. Repeated orders are recognized by it.
_HASHES = {
    FIRST: "4804c461275ca8eabd9128df70c946c222ac53e1fd642613ae0adb0ca319389c",
    SECOND: "4804c461275ca8eabd9128df70c946c222ac53e1fd642613ae0adb0ca319389c",
    THIRD: "54a3aad016c1933f4cb4c1f9b4e9dba3a472d5b76c9b1912763ef5b2cc04665d",
    REFUSED: "994b3b125a18ddb174f256bf48a565442bb9262a336401cafe2fa2eff0e871e6",
}
# Releases whose entries have no hashes.
_OLD_NUMBERS = [migration.number for migration in sqlite_migrations.MIGRATIONS if migration.number < 9]


def rows_of_release(number: int) -> str:
    """Two deposits of 5.00, a withdrawal of 3.00, and one that was refused.

    Until migration 5, internal accounts had balances. From migration 9 on, entries have hashes, which only the program
    computes; there is no earlier release with them.
    """
    internal = (-500, -1000, 300) if number < 5 else (0, 0, 0)
    accounts = "\n".join(
        f"INSERT INTO accounts (id, user_id, number, type, currency, status, balance_as_of, created_at, updated_at)"  # noqa: S608 - constants
        f" VALUES ('{id_}', '{ANN.user_id}', '{digits}', 'CHECKING', 'USD', '{status}', '2026-01-31T09:00:00.000Z',"
        " '2026-01-31T09:00:00.000Z', '2026-01-31T09:00:00.000Z');"
        for id_, digits, status in (
            (OPEN, "1000000005", "ACTIVE"),
            (FROZEN, "1000000013", "FROZEN"),
            (CLOSED, "1000000021", "CLOSED"),
        )
    )
    internals = "\n".join(
        "INSERT INTO accounts (id, internal_name, currency, status, balance_as_of, created_at, updated_at)"  # noqa: S608 - constants
        f" VALUES ('{id_}', '{name}', 'USD', 'ACTIVE', '', '', '');"
        for id_, name in ((DEPOSITS, "DEPOSITS"), (WITHDRAWALS, "WITHDRAWALS"))
    )
    lines = (
        (FIRST, 0, DEPOSITS, -500, internal[0], "09:30"),
        (FIRST, 1, OPEN, 500, 500, "09:30"),
        (SECOND, 0, DEPOSITS, -500, internal[1], "09:31"),
        (SECOND, 1, OPEN, 500, 1000, "09:31"),
        (THIRD, 0, OPEN, -300, 700, "09:32"),
        (THIRD, 1, WITHDRAWALS, 300, internal[2], "09:32"),
    )
    entries = "\n".join(
        "INSERT INTO entries (transaction_id, line, account_id, currency, amount, balance_after, posted_at)"  # noqa: S608 - constants
        f" VALUES ('{transaction}', {line}, '{account}', 'USD', {amount}, {after}, '2026-01-31T{time}:00.000Z');"
        for transaction, line, account, amount, after, time in lines
    )
    postings = "\n".join(
        f"INSERT INTO postings VALUES ('{transaction}', '{_HASHES[transaction]}', '{kind}', '{ANN.user_id}', {outcome},"  # noqa: S608 - constants
        f" '2026-01-31T{time}:00.000Z');"
        for transaction, kind, outcome, time in (
            (FIRST, "DEPOSIT", "'POSTED', NULL", "09:30"),
            (SECOND, "DEPOSIT", "'POSTED', NULL", "09:31"),
            (THIRD, "WITHDRAWAL", "'POSTED', NULL", "09:32"),
            (REFUSED, "WITHDRAWAL", f"'REFUSED', '{_REFUSAL}'", "09:33"),
        )
    )
    sums = {
        5: f"INSERT INTO day_sums VALUES ('{ANN.user_id}', 'USD', 'OUT', '2026-01-31', 300);",  # noqa: S608 - constants
        8: (
            f"INSERT INTO moved_sums VALUES ('{ANN.user_id}', 'USD', 'OUT', '', '2026-01-31', 300, '2026-01', 300);"  # noqa: S608 - constants
        ),
    }
    moved = "" if number < 5 else sums[5 if number < 8 else 8]
    return f"BEGIN;\n{accounts}\n{internals}\n{entries}\n{postings}\n{moved}\nCOMMIT;"


def old_order(transaction_id: str, type_: PostingType, amount: str) -> Posting:
    """The order that the rows record."""
    customer, value = CustomerAccount(OPEN), Decimal(amount)
    debited, credited = (
        (InternalAccount("DEPOSITS"), customer)
        if type_ is PostingType.DEPOSIT
        else (customer, InternalAccount("WITHDRAWALS"))
    )
    entries = (Entry(debited, -value), Entry(credited, value))
    return Posting(transaction_id, ANN, type_, value, "USD", entries)


@pytest.fixture(params=_OLD_NUMBERS)
async def old_file(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, int]:
    """A file of the release that had this many migrations."""
    path, number = tmp_path / "account.sqlite3", int(request.param)
    old = await Database.open(path, sqlite_migrations.MIGRATIONS[:number])
    await old.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(rows_of_release(number))
    return path, number


async def test_accounts_entries_and_outcomes_are_kept(old_file: tuple[Path, int]) -> None:
    path, _ = old_file
    async with sqlite_factory(path)() as store:
        accounts = await store.by_ids([OPEN, FROZEN, CLOSED])
        assert {id_: (str(each.balance), each.status) for id_, each in accounts.items()} == {
            OPEN: ("7.00", AccountStatus.ACTIVE),
            FROZEN: ("0.00", AccountStatus.FROZEN),
            CLOSED: ("0.00", AccountStatus.CLOSED),
        }
        assert accounts[OPEN].staff_action is None
        period = Period(values.parse_timestamp("2026-01-01T00:00:00.000Z"), values.now())
        entries = (await store.entries([(OPEN, period)], PageRequest()))[OPEN, period]
        assert [(entry.transaction_id, str(entry.amount), str(entry.balance)) for entry in entries] == [
            (FIRST, "5.00", "5.00"),
            (SECOND, "5.00", "10.00"),
            (THIRD, "-3.00", "7.00"),
        ]
        assert await store.which_posted([FIRST, THIRD, REFUSED]) == {FIRST, THIRD}


async def test_an_old_order_that_is_repeated_has_its_old_outcome(old_file: tuple[Path, int]) -> None:
    path, _ = old_file
    async with sqlite_factory(path)() as store:
        again = await store.post(old_order(SECOND, PostingType.DEPOSIT, "5.00"))
        assert (again.posted, again.decided_at) == (True, "2026-01-31T09:31:00.000Z")
        refused = await store.post(old_order(REFUSED, PostingType.WITHDRAWAL, "900.00"))
        assert code_of(refused) == "INSUFFICIENT_FUNDS"
        assert str((await store.by_ids([OPEN]))[OPEN].balance) == "7.00"
        assert await types_since(store, 0) == []


async def test_the_ledger_goes_on_and_is_sound(old_file: tuple[Path, int]) -> None:
    path, _ = old_file
    async with sqlite_factory(path)() as store:
        savings = await opened(store, ANN)
        assert (await store.post(withdrawal(ANN, OPEN, "1.00"))).posted
        assert (await store.post(transfer(ANN, OPEN, savings.id, "2.00"))).posted
        assert code_of(await store.post(withdrawal(ANN, OPEN, "4.01"))) == "INSUFFICIENT_FUNDS"
        in_an_hour = values.now() + timedelta(hours=1)
        await store.reserve(withdrawal(ANN, OPEN, "4.00"), in_an_hour)
        account = (await store.by_ids([OPEN]))[OPEN]
        assert (str(account.balance), str(account.held)) == ("4.00", "4.00")
        assert await types_since(store, 0) == ["account.opened", *["account.posted"] * 3, "account.held"]
    report = check_ledger(path, KEY)
    assert report.sound, report.violations
    assert report.customer_sums == {"USD": 600}


async def test_what_a_person_moved_still_counts(old_file: tuple[Path, int]) -> None:
    path, number = old_file
    async with sqlite_factory(path)():
        pass
    with closing(sqlite3.connect(path)) as connection:
        sums = connection.execute("SELECT day, day_amount, month, month_amount FROM moved_sums").fetchall()
    # Before migration 5, the sum of a day was computed from the entries.
    assert sums == ([] if number < 5 else [("2026-01-31", 300, "2026-01", 300)])


# --- MongoDB

_OLD_MONGO_NUMBERS = [migration.number for migration in mongo_migrations.MIGRATIONS[:-1]]


def reversal(posting: Posting) -> Posting:
    """The posting of a member of the staff that moves the money of a transfer back."""
    (_, debited), (_, credited) = ((entry.amount, entry.account) for entry in posting.entries)
    entries = (Entry(credited, -posting.amount), Entry(debited, posting.amount))
    return Posting(
        values.new_object_id(),
        person("SUPPORT", "ADMIN"),
        PostingType.REVERSAL,
        posting.amount,
        posting.currency,
        entries,
    )


@pytest.mark.parametrize("number", _OLD_MONGO_NUMBERS)
async def test_a_mongo_database_of_an_earlier_release_goes_on(
    number: int, mongod: Mongod, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, ann, bob = mongod.url(f"accounts_of_release_{number}"), person(), person()
    with monkeypatch.context() as earlier:
        earlier.setattr(MongoAccountStore, "migrations", mongo_migrations.MIGRATIONS[:number])
        old = await MongoAccountStore.open_chained(mongo_address(url), KEY, values.now)
    source, destination = await funded(old, ann, "10.00"), await opened(old, bob)
    frozen = await with_status(old, await opened(old, ann), AccountStatus.FROZEN)
    moved = transfer(ann, source.id, destination.id, "4.00")
    assert (await old.post(moved)).posted
    refused = withdrawal(ann, source.id, "900.00")
    assert code_of(await old.post(refused)) == "INSUFFICIENT_FUNDS"
    before = await old.by_ids([source.id, destination.id, frozen.id])
    identity, events = await old.identity(), await types_since(old, 0)
    await old.close()

    async with mongo_factory(url)() as store:
        assert await store.by_ids([source.id, destination.id, frozen.id]) == before
        assert isinstance(store, MongoAccountStore)
        assert await store.identity() == identity
        assert await types_since(store, 0) == events
        assert (await store.post(moved)).posted
        assert code_of(await store.post(refused)) == "INSUFFICIENT_FUNDS"
        assert (await current(store, source)).balance == Decimal("6.00")
        assert (await store.post(reversal(moved))).posted
        assert (await current(store, source)).balance == Decimal("10.00")
        report = await store.check(KEY)
        assert report.sound, report.violations
