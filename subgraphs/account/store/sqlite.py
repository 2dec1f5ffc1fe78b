"""Accounts and the ledger in one SQLite file; what the database itself guarantees stands in ``migrations``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self, TypeVar

import structlog

from bank import values
from bank.values import format_timestamp, from_minor_units, parse_timestamp, to_minor_units
from servicekit.errors import Unavailable
from servicekit.sqlite import Database, reading, writing
from subgraphs.account.domain import Account, AccountStatus, AccountType
from subgraphs.account.errors import TransactionIdReused
from subgraphs.account.postings import InternalAccount, LedgerView, Movement, Outcome, Posting, decide
from subgraphs.account.problems import Refusal, to_json
from subgraphs.account.store.migrations import MIGRATIONS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import aiosqlite

    from subgraphs.account.store.protocol import AccountFilter
    from subgraphs.kit.connections import PageRequest

R = TypeVar("R")

# With nine free digits, ten draws in a row that were all given out before happen to a bank with a billion accounts.
NUMBER_DRAWS = 10

_log = structlog.stdlib.get_logger("account.store")


class SqliteAccountStore:
    """The embedded :class:`~subgraphs.account.store.protocol.AccountStore`."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = values.now) -> None:
        self._database = database
        self._clock = clock

    @classmethod
    async def open_file(cls, path: Path, *, clock: Callable[[], datetime] = values.now) -> Self:
        """Open or make the file at ``path``. Raises StartupError when that is impossible."""
        return cls(await Database.open(path, MIGRATIONS), clock=clock)

    async def by_ids(self, ids: Collection[str]) -> Mapping[str, Account]:
        async with reading(self._database) as connection:
            return await _accounts_by(connection, "id", ids)

    async def by_numbers(self, numbers: Collection[str]) -> Mapping[str, Account]:
        async with reading(self._database) as connection:
            return await _accounts_by(connection, "number", numbers)

    async def page(self, wanted: AccountFilter, page: PageRequest) -> Sequence[Account]:
        where, parameters = _conditions(wanted, page)
        order = "DESC" if page.backwards else "ASC"
        # The fragments are this module's own; every value is a parameter.
        query = f"SELECT * FROM accounts WHERE {where} ORDER BY id {order} LIMIT :limit"  # noqa: S608 - see above
        async with reading(self._database) as connection:
            rows = await connection.execute_fetchall(query, parameters)
        return [_account(row) for row in rows]

    async def count(self, wanted: AccountFilter) -> int:
        where, parameters = _conditions(wanted)
        async with reading(self._database) as connection:
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
        async with reading(self._database) as connection:
            rows = await connection.execute_fetchall(query, parameters)
        pages: dict[str, list[Account]] = {}
        for row in rows:
            pages.setdefault(row["user_id"], []).append(_account(row))
        return pages

    async def counts_of(self, owners: Collection[str], wanted: AccountFilter) -> Mapping[str, int]:
        where, parameters = _conditions(wanted, owners=owners)
        async with reading(self._database) as connection:
            rows = await connection.execute_fetchall(
                f"SELECT user_id, count(*) AS n FROM accounts WHERE {where} GROUP BY user_id",  # noqa: S608 - as in page()
                parameters,
            )
        return {row["user_id"]: row["n"] for row in rows}

    async def open(self, user_id: str, rule: Callable[[int], Account | R]) -> Account | R:
        async with writing(self._database) as connection:
            already_open = await _count_open(connection, user_id)
            for _ in range(NUMBER_DRAWS):
                account = rule(already_open)
                if not isinstance(account, Account) or await _insert(connection, account):
                    return account
        _log.error("no free account number found", draws=NUMBER_DRAWS)
        raise Unavailable

    async def change(self, account_id: str, rule: Callable[[Account | None], Account | R]) -> Account | R:
        async with writing(self._database) as connection:
            current = (await _accounts_by(connection, "id", [account_id])).get(account_id)
            changed = rule(current)
            if isinstance(changed, Account) and changed != current:
                await connection.execute(
                    "UPDATE accounts SET type = ?, status = ?, version = ?, updated_at = ? WHERE id = ?",
                    (changed.type, changed.status, changed.version, format_timestamp(changed.updated_at), account_id),
                )
            return changed

    async def post(self, posting: Posting) -> Outcome:
        async with writing(self._database) as connection:
            remembered = await _remembered(connection, posting)
            if remembered is not None:
                return remembered
            verdict = decide(posting, await _view(connection, posting))
            decided_at = format_timestamp(self._clock())
            if isinstance(verdict, Refusal):
                outcome = Outcome(decided_at, to_json(verdict))
            else:
                outcome = Outcome(decided_at, None)
                await _write_entries(connection, posting, verdict, decided_at)
            await _remember(connection, posting, outcome)
            return outcome

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        await self._database.close()


def _conditions(
    wanted: AccountFilter, page: PageRequest | None = None, owners: Collection[str] | None = None
) -> tuple[str, dict[str, object]]:
    """A WHERE clause over customers' accounts, and its parameters; lists travel as JSON, whatever their length."""
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
        "SELECT * FROM accounts WHERE internal_name IS NULL"  # noqa: S608 - the column is this module's own
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
    )


async def _count_open(connection: aiosqlite.Connection, user_id: str) -> int:
    rows = await connection.execute_fetchall(
        "SELECT count(*) AS n FROM accounts WHERE user_id = ? AND status <> ?", (user_id, AccountStatus.CLOSED)
    )
    return sum(row["n"] for row in rows)


async def _insert(connection: aiosqlite.Connection, account: Account) -> bool:
    """Whether the account was inserted; False when its number is taken."""
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


async def _remembered(connection: aiosqlite.Connection, posting: Posting) -> Outcome | None:
    rows = list(
        await connection.execute_fetchall(
            "SELECT content_hash, problem, decided_at FROM postings WHERE transaction_id = ?",
            (posting.transaction_id,),
        )
    )
    if not rows:
        return None
    if rows[0]["content_hash"] != posting.content_hash():
        raise TransactionIdReused
    problem: dict[str, Any] | None = json.loads(rows[0]["problem"]) if rows[0]["problem"] else None
    return Outcome(rows[0]["decided_at"], problem)


async def _remember(connection: aiosqlite.Connection, posting: Posting, outcome: Outcome) -> None:
    await connection.execute(
        "INSERT INTO postings (transaction_id, content_hash, type, on_behalf_of, outcome, problem, decided_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            posting.transaction_id,
            posting.content_hash(),
            posting.type,
            posting.on_behalf_of.user_id,
            "POSTED" if outcome.problem is None else "REFUSED",
            None if outcome.problem is None else json.dumps(outcome.problem),
            outcome.decided_at,
        ),
    )


async def _view(connection: aiosqlite.Connection, posting: Posting) -> LedgerView:
    internal = await connection.execute_fetchall(
        "SELECT internal_name, balance FROM accounts"
        " WHERE currency = ? AND internal_name IN (SELECT value FROM json_each(?))",
        (posting.currency, json.dumps(posting.internal_names())),
    )
    return LedgerView(
        customers=await _accounts_by(connection, "id", posting.customer_ids()),
        internal={row["internal_name"]: from_minor_units(row["balance"], posting.currency) for row in internal},
    )


async def _write_entries(
    connection: aiosqlite.Connection, posting: Posting, movements: tuple[Movement, ...], posted_at: str
) -> None:
    for line, movement in enumerate(movements):
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
                to_minor_units(movement.balance_after, posting.currency),
                posted_at,
            ),
        )


async def _internal_id(connection: aiosqlite.Connection, name: str, currency: str, now: str) -> str:
    """The id of an internal account, which is made here when it is first needed."""
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
