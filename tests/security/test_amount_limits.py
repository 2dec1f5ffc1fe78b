"""Attacks with large amounts, and with many orders at once that would pass a limit together (bank §2.12)."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from bank.values import new_object_id, now, parse_timestamp
from servicekit.sqlite import Database
from subgraphs.account.limits import Ceiling, Limits, end_of_day
from subgraphs.account.store.sqlite import SqliteAccountStore
from subgraphs.account.store.sqlite_ledger_check import check_ledger
from subgraphs.account.store.sqlite_migrations import MIGRATIONS
from tests.subgraphs.account.support import (
    KEY,
    code_of,
    current,
    deposit,
    funded,
    opened,
    person,
    sqlite_factory,
    transfer,
    withdrawal,
)
from tests.subgraphs.bank import Bank, open_bank

if TYPE_CHECKING:
    from pathlib import Path

    from subgraphs.account.postings import Posting

# As much as the API accepts: the limits of amounts do not interfere.
HUGE = "999999999999999.00"
MOST = Ceiling(Decimal(HUGE))
UNLIMITED = Limits(order=MOST, day=MOST, balance=MOST)


async def test_large_deposits_of_one_person_stop_nobodys_deposits(tmp_path: Path) -> None:
    """25 of them filled the internal account before: then every deposit of the currency was PAYMENT_DECLINED."""
    path = tmp_path / "account.sqlite3"
    async with sqlite_factory(path)() as store:
        for _ in range(60):
            rich = person()
            account = await opened(store, rich)
            assert (await store.post(deposit(rich, account.id, HUGE), UNLIMITED)).posted
        poor = person()
        account = await opened(store, poor)
        assert (await store.post(deposit(poor, account.id, "1.00"), UNLIMITED)).posted
        assert (await current(store, account)).balance == Decimal("1.00")
    report = check_ledger(path)
    assert report.sound, report.violations
    held = 60 * int(Decimal(HUGE) * 100) + 100
    assert report.customer_sums == {"USD": held}
    assert report.internal_sums == {("DEPOSITS", "USD"): -held}
    assert held > 5 * 10**18


async def test_a_large_order_is_refused_with_the_limit_and_others_go_on(bank: Bank) -> None:
    account = await bank.open(bank.ann)
    given = {"destinationAccountId": account["id"]}
    refused = await bank.order(bank.ann, "deposit", amount=HUGE, **given)
    assert (refused["code"], refused["kind"], refused["limit"]) == ("AMOUNT_LIMIT_EXCEEDED", "ORDER", "10000000.00")
    assert refused["resetsAt"] is None
    for _ in range(5):
        assert (await bank.order(bank.ann, "deposit", amount="10000000.00", **given))["transaction"]
    refused = await bank.order(bank.ann, "deposit", amount="0.01", **given)
    assert (refused["kind"], refused["limit"], refused["remaining"]) == ("DAY", "50000000.00", "0.00")
    assert parse_timestamp(refused["resetsAt"]) == end_of_day(now())
    # The other sum of the day, and the days of others, are not affected.
    assert (await bank.order(bank.ann, "withdraw", sourceAccountId=account["id"]))["transaction"]
    assert await bank.open(bank.bob, "1.00")


@pytest.fixture
async def bank(tmp_path: Path) -> Any:
    async with open_bank(tmp_path) as bank:
        yield bank


def limits(order: int, day: int, balance: int) -> Limits:
    return Limits(Ceiling(Decimal(order)), Ceiling(Decimal(day)), Ceiling(Decimal(balance)))


@pytest.mark.parametrize("kind", ["deposits", "withdrawals", "transfers"])
async def test_orders_at_once_do_not_pass_the_limit_of_a_day_together(tmp_path: Path, kind: str) -> None:
    """Two processes, forty orders of 3.00 from several accounts at the same moment, 10.00 a day: three are posted."""
    factory, ann = sqlite_factory(tmp_path / "account.sqlite3"), person()
    async with factory() as one, factory() as two:
        accounts = [await opened(one, ann) for _ in range(4)]
        if kind != "deposits":
            accounts = [await funded(one, ann, "500.00") for _ in range(4)]
        other = await opened(one, person())

        def posting(turn: int) -> Posting:
            account = accounts[turn % len(accounts)].id
            if kind == "deposits":
                return deposit(ann, account, "3.00")
            return (
                withdrawal(ann, account, "3.00") if kind == "withdrawals" else transfer(ann, account, other.id, "3.00")
            )

        outcomes = await asyncio.gather(
            *((one, two)[turn % 2].post(posting(turn), limits(5, 10, 1000)) for turn in range(40))
        )
    codes = [code_of(outcome) for outcome in outcomes]
    assert codes.count(None) == 3
    assert set(codes) == {None, "AMOUNT_LIMIT_EXCEEDED"}
    days = {outcome.problem["remaining"] for outcome in outcomes if outcome.problem}
    assert days <= {"10.00", "7.00", "4.00", "1.00"}


async def test_deposits_at_once_do_not_pass_the_limit_of_a_balance_together(tmp_path: Path) -> None:
    factory, ann = sqlite_factory(tmp_path / "account.sqlite3"), person()
    async with factory() as one, factory() as two:
        account = await opened(one, ann)
        outcomes = await asyncio.gather(
            *((one, two)[turn % 2].post(deposit(ann, account.id, "3.00"), limits(5, 1000, 10)) for turn in range(20))
        )
        assert [code_of(outcome) for outcome in outcomes].count(None) == 3
        assert (await current(one, account)).balance == Decimal("9.00")


async def test_a_strangers_full_account_is_as_unavailable_as_any(tmp_path: Path) -> None:
    """A limit of the receiver's balance would show the balance."""
    async with sqlite_factory(tmp_path / "account.sqlite3")() as store:
        ann, bob = person(), person()
        source, full = await funded(store, ann, "50.00"), await funded(store, bob, "100.00")
        small = limits(50, 100, 100)
        assert (await store.post(transfer(ann, source.id, full.id, "1.00"), small)).problem == {
            "code": "RECEIVER_UNAVAILABLE",
            "message": "The receiver cannot receive this payment",
        }


async def test_a_refused_order_does_not_count_and_a_new_day_begins_anew(tmp_path: Path) -> None:
    moment = [parse_timestamp("2026-01-31T23:59:00.000Z")]
    store = await SqliteAccountStore.open_chained(tmp_path / "account.sqlite3", KEY, lambda: moment[0])
    ann = person()
    account, small = await opened(store, ann), limits(10, 10, 100)

    async def pay_in(amount: str) -> object:
        return code_of(await store.post(deposit(ann, account.id, amount), small))

    assert [await pay_in(amount) for amount in ("10.01", "6.00", "5.00", "4.00", "0.01")] == [
        "AMOUNT_LIMIT_EXCEEDED",
        None,
        "AMOUNT_LIMIT_EXCEEDED",
        None,
        "AMOUNT_LIMIT_EXCEEDED",
    ]
    moment[0] = parse_timestamp("2026-02-01T00:00:00.000Z")
    assert await pay_in("10.00") is None
    # Setting the clock back does not open the day before again.
    moment[0] = parse_timestamp("2026-01-31T23:59:00.000Z")
    assert await pay_in("0.01") == "AMOUNT_LIMIT_EXCEEDED"
    await store.close()


async def test_a_clock_that_was_ahead_for_long_leaves_no_limit_for_the_days_until_then(tmp_path: Path) -> None:
    """The sum of the wrong day counted every day before, for a month, and so did tries of receivers."""
    wrong, right = parse_timestamp("2026-03-03T12:00:00.000Z"), parse_timestamp("2026-01-31T12:00:00.000Z")
    moment = [wrong]
    store = await SqliteAccountStore.open_chained(tmp_path / "account.sqlite3", KEY, lambda: moment[0])
    ann, bob, small = person(), person(), limits(10, 10, 100)
    account, others = await opened(store, ann), await opened(store, bob)
    assert code_of(await store.post(deposit(ann, account.id, "10.00"), small)) is None
    for _ in range(small.receiver_tries):
        refused = await store.post(transfer(ann, account.id, new_object_id(), "1.00"), small)
        assert code_of(refused) == "INVALID_ACCOUNT"

    moment[0] = right
    assert await store.wrong_receivers(ann.user_id, right) == []
    assert code_of(await store.post(transfer(ann, account.id, others.id, "1.00"), small)) is None
    for expected in (None, "AMOUNT_LIMIT_EXCEEDED"):
        assert code_of(await store.post(deposit(ann, account.id, "6.00"), small)) == expected
    moment[0] += timedelta(days=1)
    assert code_of(await store.post(deposit(ann, account.id, "6.00"), small)) is None
    await store.close()


async def test_the_bound_of_the_store_is_an_alarm_not_a_decline(tmp_path: Path) -> None:
    async with sqlite_factory(tmp_path / "account.sqlite3")() as store:
        ann = person()
        full = await opened(store, ann, "CLF")
        assert (await store.post(deposit(ann, full.id, "99999999999999.9999", "CLF"), UNLIMITED)).posted
        with structlog.testing.capture_logs() as logs:
            outcome = await store.post(deposit(ann, full.id, "1.0000", "CLF"), UNLIMITED)
        assert code_of(outcome) == "AMOUNT_LIMIT_EXCEEDED"
        assert [(line["event"], line["log_level"]) for line in logs] == [("ledger bound reached", "error")]


async def test_a_file_whose_internal_account_is_nearly_full_is_migrated(tmp_path: Path) -> None:
    """A file of the release before, with balances of internal accounts close to 64 bits."""
    path = tmp_path / "account.sqlite3"
    old = await Database.open(path, MIGRATIONS[:2])
    await old.close()
    units = 10**18 - 1
    account_id, internal_id, user = new_object_id(), new_object_id(), person()
    with closing(sqlite3.connect(path)) as connection:
        for columns in (
            (account_id, user.user_id, "1234567897", None, "CHECKING"),
            (internal_id, None, None, "DEPOSITS", None),
        ):
            connection.execute(
                "INSERT INTO accounts (id, user_id, number, internal_name, type, currency, status, balance_as_of,"
                " created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'USD', 'ACTIVE', ?, ?, ?)",
                (*columns, *["2026-01-31T00:00:00.000Z"] * 3),
            )
        for line, (entry, amount) in enumerate(((internal_id, -units), (account_id, units))):
            connection.execute(
                "INSERT INTO entries (transaction_id, line, account_id, currency, amount, balance_after, posted_at)"
                " VALUES ('t', ?, ?, 'USD', ?, ?, '2026-01-31T00:00:00.000Z')",
                (line, entry, amount, amount),
            )
        connection.execute("INSERT INTO postings VALUES ('t', '', 'DEPOSIT', ?, 'POSTED', NULL, '')", (user.user_id,))
        connection.commit()
    async with sqlite_factory(path)() as store:
        for _ in range(3):
            other = await opened(store, customer := person())
            assert (await store.post(deposit(customer, other.id, "900000000000000.00"), UNLIMITED)).posted
        kept = (await store.by_ids([account_id]))[account_id]
        assert kept.balance == Decimal("9999999999999999.99")
        assert (await store.post(withdrawal(user, account_id, "1.00"), UNLIMITED)).posted
    report = check_ledger(path)
    assert report.sound, report.violations
    assert report.internal_sums[("DEPOSITS", "USD")] == -units - 3 * 90_000_000_000_000_000
