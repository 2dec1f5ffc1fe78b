"""The store of accounts and the ledger in one SQLite file.

`migrations` describes what the database itself guarantees.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from bank import values
from bank.values import format_timestamp, from_minor_units, parse_timestamp, to_minor_units
from servicekit.errors import Unavailable
from subgraphs.account import events
from subgraphs.account.domain import (
    OPEN_STATUSES,
    Account,
    AccountStatus,
    AccountType,
    StaffAction,
    StaffActionKind,
)
from subgraphs.account.limits import day_of, next_day
from subgraphs.account.posting_rules import WRONG_RECEIVER_WINDOW, WRONG_RECEIVERS, LedgerView
from subgraphs.account.postings import InternalAccount, Posting, PostingType
from subgraphs.account.settlement import Outcome, RecordedPosting, Settlement, repeated, settle
from subgraphs.account.store.migrations import MIGRATIONS
from subgraphs.account.store.protocol import DEFAULT_LIMITS, NUMBER_DRAWS
from subgraphs.kit.sqlite_store import SqliteOutboxStore, append_events

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    import aiosqlite

    from subgraphs.account.limits import DaySum, Limits
    from subgraphs.account.store.protocol import AccountFilter
    from subgraphs.kit.connections import PageRequest

R = TypeVar("R")

_log = structlog.stdlib.get_logger("account.store")


class SqliteAccountStore(SqliteOutboxStore):
    """The `AccountStore` on one SQLite file."""

    migrations = MIGRATIONS

    async def by_ids(self, ids: Collection[str]) -> Mapping[str, Account]:
        async with self._database.snapshot() as connection:
            return await _accounts_by(connection, "id", ids)

    async def by_numbers(self, numbers: Collection[str]) -> Mapping[str, Account]:
        async with self._database.snapshot() as connection:
            return await _accounts_by(connection, "number", numbers)

    async def page(self, wanted: AccountFilter, page: PageRequest) -> Sequence[Account]:
        where, parameters = _conditions(wanted, page)
        order = "DESC" if page.backwards else "ASC"
        # The SQL fragments are constants of this module. Every value is passed as a parameter.
        query = f"SELECT * FROM accounts WHERE {where} ORDER BY id {order} LIMIT :limit"  # noqa: S608 - see above
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, parameters)
        return [_account(row) for row in rows]

    async def count(self, wanted: AccountFilter) -> int:
        where, parameters = _conditions(wanted)
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT count(*) AS n FROM accounts WHERE {where}",  # noqa: S608 - as in page()
                parameters,
            )
        return sum(row["n"] for row in rows)

    async def pages_of(
        self, owners: Collection[str], wanted: AccountFilter, page: PageRequest
    ) -> Mapping[str, Sequence[Account]]:
        where, parameters = _conditions(wanted, page, owners)
        order = "DESC" if page.backwards else "ASC"
        query = (
            "SELECT * FROM (SELECT *, row_number() OVER"  # noqa: S608 - as in page()
            f" (PARTITION BY user_id ORDER BY id {order}) AS position FROM accounts WHERE {where})"
            " WHERE position <= :limit ORDER BY user_id, position"
        )
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, parameters)
        pages: dict[str, list[Account]] = {}
        for row in rows:
            pages.setdefault(row["user_id"], []).append(_account(row))
        return pages

    async def counts_of(self, owners: Collection[str], wanted: AccountFilter) -> Mapping[str, int]:
        where, parameters = _conditions(wanted, owners=owners)
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT user_id, count(*) AS n FROM accounts WHERE {where} GROUP BY user_id",  # noqa: S608 - as in page()
                parameters,
            )
        return {row["user_id"]: row["n"] for row in rows}

    async def open(self, user_id: str, rule: Callable[[int], Account | R]) -> Account | R:
        async with self._changing() as connection:
            already_open = await _count_open(connection, user_id)
            for _ in range(NUMBER_DRAWS):
                account = rule(already_open)
                if not isinstance(account, Account):
                    return account
                if await _insert(connection, account):
                    await append_events(connection, events.of_change(None, account))
                    return account
        _log.error("no free account number found", draws=NUMBER_DRAWS)
        raise Unavailable

    async def change(self, account_id: str, rule: Callable[[Account | None], Account | R]) -> Account | R:
        async with self._changing() as connection:
            current = (await _accounts_by(connection, "id", [account_id])).get(account_id)
            changed = rule(current)
            if isinstance(changed, Account) and changed != current:
                await _update(connection, changed)
                await append_events(connection, events.of_change(current, changed))
            return changed

    async def posted_ids(self, *, after: str, limit: int) -> Sequence[str]:
        query = (
            "SELECT transaction_id FROM postings WHERE outcome = 'POSTED' AND transaction_id > ?"
            " ORDER BY transaction_id LIMIT ?"
        )
        async with self._database.snapshot() as connection:
            return [row["transaction_id"] for row in await connection.execute_fetchall(query, (after, limit))]

    async def which_posted(self, transaction_ids: Collection[str]) -> frozenset[str]:
        query = (
            "SELECT transaction_id FROM postings"
            " WHERE outcome = 'POSTED' AND transaction_id IN (SELECT value FROM json_each(?))"
        )
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, (json.dumps(list(transaction_ids)),))
        return frozenset(row["transaction_id"] for row in rows)

    async def wrong_receivers(self, user_id: str, at: datetime) -> Sequence[datetime]:
        async with self._database.snapshot() as connection:
            return await _wrong_receivers(connection, user_id, at)

    async def post(self, posting: Posting, limits: Limits = DEFAULT_LIMITS) -> Outcome:
        async with self._changing() as connection:
            recorded = await _recorded(connection, posting.transaction_id)
            if recorded is not None:
                return repeated(posting, recorded)
            settlement = settle(posting, await _view(connection, posting, limits, self._clock()))
            await _write_entries(connection, posting, settlement)
            await _record(connection, posting, settlement.outcome)
            await append_events(connection, events.of_settlement(posting, settlement))
        if settlement.bound_reached:
            _log.error("ledger bound reached", currency=posting.currency, transaction=posting.transaction_id)
        return settlement.outcome


def _conditions(
    wanted: AccountFilter, page: PageRequest | None = None, owners: Collection[str] | None = None
) -> tuple[str, dict[str, object]]:
    """Return a WHERE clause for customers' accounts, and its parameters.

    A list of any length is passed as one JSON parameter.
    """
    clauses = ["internal_name IS NULL"]
    parameters: dict[str, object] = {}
    lists = {"status": wanted.statuses, "type": wanted.types, "currency": wanted.currencies, "user_id": owners}
    for column, allowed in lists.items():
        if allowed is not None:
            clauses.append(f"{column} IN (SELECT value FROM json_each(:{column}))")  # noqa: S608 - as in page()
            parameters[column] = json.dumps(list(allowed))
    if page is not None:
        parameters["limit"] = page.limit + 1
        for name, operator, key in (("after", ">", page.after), ("before", "<", page.before)):
            if key is not None:
                clauses.append(f"id {operator} :{name}")
                parameters[name] = key[0]
    return " AND ".join(clauses), parameters


async def _accounts_by(connection: aiosqlite.Connection, column: str, keys: Collection[str]) -> dict[str, Account]:
    rows = await connection.execute_fetchall(
        "SELECT * FROM accounts WHERE internal_name IS NULL"  # noqa: S608 - the column is a constant of this module
        f" AND {column} IN (SELECT value FROM json_each(?))",
        (json.dumps(list(keys)),),
    )
    return {row[column]: _account(row) for row in rows}


def _account(row: sqlite3.Row) -> Account:
    currency: str = row["currency"]
    return Account(
        id=row["id"],
        user_id=row["user_id"],
        number=row["number"],
        type=AccountType(row["type"]),
        currency=currency,
        balance=from_minor_units(row["balance"], currency),
        held=from_minor_units(row["held"], currency),
        status=AccountStatus(row["status"]),
        version=row["version"],
        balance_as_of=parse_timestamp(row["balance_as_of"]),
        created_at=parse_timestamp(row["created_at"]),
        updated_at=parse_timestamp(row["updated_at"]),
        staff_action=_staff_action(row),
    )


def _staff_action(row: sqlite3.Row) -> StaffAction | None:
    if row["staff_action"] is None:
        return None
    return StaffAction(
        StaffActionKind(row["staff_action"]), row["staff_user_id"], parse_timestamp(row["staff_acted_at"])
    )


async def _update(connection: aiosqlite.Connection, account: Account) -> None:
    action = account.staff_action
    mark = (None, None, None) if action is None else (action.kind, action.user_id, format_timestamp(action.at))
    await connection.execute(
        "UPDATE accounts SET type = ?, status = ?, version = ?, updated_at = ?,"
        " staff_action = ?, staff_user_id = ?, staff_acted_at = ? WHERE id = ?",
        (account.type, account.status, account.version, format_timestamp(account.updated_at), *mark, account.id),
    )


async def _count_open(connection: aiosqlite.Connection, user_id: str) -> int:
    rows = await connection.execute_fetchall(
        "SELECT count(*) AS n FROM accounts WHERE user_id = ? AND status IN (SELECT value FROM json_each(?))",
        (user_id, json.dumps(OPEN_STATUSES)),
    )
    return sum(row["n"] for row in rows)


async def _insert(connection: aiosqlite.Connection, account: Account) -> bool:
    """Insert the account. Return False if its number is taken."""
    created = format_timestamp(account.created_at)
    cursor = await connection.execute(
        "INSERT INTO accounts (id, user_id, number, type, currency, status, version,"
        " balance_as_of, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (number) DO NOTHING",
        (
            account.id,
            account.user_id,
            account.number,
            account.type,
            account.currency,
            account.status,
            account.version,
            created,
            created,
            created,
        ),
    )
    return cursor.rowcount == 1


async def _recorded(connection: aiosqlite.Connection, transaction_id: str) -> RecordedPosting | None:
    rows = await connection.execute_fetchall(
        "SELECT content_hash, problem, decided_at FROM postings WHERE transaction_id = ?", (transaction_id,)
    )
    for row in rows:
        problem: dict[str, Any] | None = json.loads(row["problem"]) if row["problem"] else None
        return RecordedPosting(row["content_hash"], Outcome(row["decided_at"], problem))
    return None


async def _record(connection: aiosqlite.Connection, posting: Posting, outcome: Outcome) -> None:
    await connection.execute(
        "INSERT INTO postings (transaction_id, content_hash, type, on_behalf_of, outcome, problem, decided_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            posting.transaction_id,
            posting.content_hash(),
            posting.type,
            posting.on_behalf_of.user_id,
            "POSTED" if outcome.posted else "REFUSED",
            None if outcome.problem is None else json.dumps(outcome.problem),
            outcome.decided_at,
        ),
    )


async def _wrong_receivers(connection: aiosqlite.Connection, user_id: str, at: datetime) -> list[datetime]:
    rows = await connection.execute_fetchall(
        "SELECT decided_at FROM postings WHERE on_behalf_of = ? AND decided_at > ? AND decided_at < ?"
        " AND outcome = 'REFUSED' AND type = 'TRANSFER'"
        " AND json_extract(problem, '$.code') IN (SELECT value FROM json_each(?))"
        # A refusal contains a reason only if the person may see the account. So a refusal without a reason is about a
        # missing account, or about an account of somebody else.
        " AND json_extract(problem, '$.reason') IS NULL ORDER BY decided_at",
        (
            user_id,
            format_timestamp(at - WRONG_RECEIVER_WINDOW),
            format_timestamp(at + WRONG_RECEIVER_WINDOW),
            json.dumps(sorted(WRONG_RECEIVERS)),
        ),
    )
    return [parse_timestamp(row["decided_at"]) for row in rows]


async def _view(connection: aiosqlite.Connection, posting: Posting, limits: Limits, at: datetime) -> LedgerView:
    person = posting.on_behalf_of.user_id
    is_transfer = posting.type is PostingType.TRANSFER
    wrong = await _wrong_receivers(connection, person, at) if is_transfer else ()
    sums = await connection.execute_fetchall(
        # If the clock was set back over midnight, there may be a row of the next day. Its sum also counts for today. A
        # row of a later day comes from a clock that was far ahead. It does not count: otherwise it would count on every
        # day until its date.
        "SELECT amount FROM day_sums WHERE user_id = ? AND currency = ? AND direction = ? AND day IN (?, ?)",
        (person, posting.currency, posting.direction, day_of(at), next_day(day_of(at))),
    )
    return LedgerView(
        at=at,
        customers=await _accounts_by(connection, "id", posting.customer_ids()),
        limits=limits,
        moved_today=from_minor_units(sum(row["amount"] for row in sums), posting.currency),
        wrong_receivers=len(wrong),
    )


async def _write_entries(connection: aiosqlite.Connection, posting: Posting, settlement: Settlement) -> None:
    """Write the movements.

    Triggers then change the balances, so that the accounts become those in `settlement.accounts`.
    """
    posted_at = settlement.outcome.decided_at
    for line, movement in enumerate(settlement.movements):
        account = movement.account
        account_id = (
            await _internal_id(connection, account.name, posting.currency, posted_at)
            if isinstance(account, InternalAccount)
            else account.id
        )
        await connection.execute(
            "INSERT INTO entries (transaction_id, line, account_id, currency, amount, balance_after, posted_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                posting.transaction_id,
                line,
                account_id,
                posting.currency,
                to_minor_units(movement.amount, posting.currency),
                # The balance of an internal account is not stored.
                to_minor_units(movement.balance_after or Decimal(0), posting.currency),
                posted_at,
            ),
        )
    if settlement.day_sum is not None:
        await _write_day_sum(connection, settlement.day_sum)


async def _write_day_sum(connection: aiosqlite.Connection, moved: DaySum) -> None:
    await connection.execute(
        "INSERT INTO day_sums (user_id, currency, direction, day, amount) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (user_id, currency, direction)"
        " DO UPDATE SET day = iif(day = ?, day, excluded.day), amount = excluded.amount",
        (
            moved.user_id,
            moved.currency,
            moved.direction,
            moved.day,
            to_minor_units(moved.amount, moved.currency),
            next_day(moved.day),
        ),
    )


async def _internal_id(connection: aiosqlite.Connection, name: str, currency: str, now: str) -> str:
    """Return the id of an internal account. If no posting has named it before, it is created."""
    await connection.execute(
        "INSERT INTO accounts (id, internal_name, currency, status, balance_as_of, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (internal_name, currency) DO NOTHING",
        (values.new_object_id(), name, currency, AccountStatus.ACTIVE, now, now, now),
    )
    rows = await connection.execute_fetchall(
        "SELECT id FROM accounts WHERE internal_name = ? AND currency = ?", (name, currency)
    )
    (account_id,) = (row["id"] for row in rows)
    return str(account_id)
