"""The store of accounts and the ledger in one SQLite file.

`sqlite_migrations` describes what the database itself guarantees.
"""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Self, TypeVar

import structlog

from bank import values
from bank.values import format_timestamp
from servicekit.errors import Unavailable
from subgraphs.account import events
from subgraphs.account.domain import OPEN_STATUSES, Account, AccountStatus, AccountType
from subgraphs.account.holds import HoldStatus
from subgraphs.account.store import ledger_operations
from subgraphs.account.store.protocol import DEFAULT_LIMITS, NUMBER_DRAWS, AccountFilter
from subgraphs.account.store.sqlite_cache_epochs import SqliteCacheEpochs
from subgraphs.account.store.sqlite_exports import SqliteExports
from subgraphs.account.store.sqlite_hash_chain import chain_old_entries, record_or_check_key
from subgraphs.account.store.sqlite_ledger import SqliteLedgerTransaction, wrong_receivers
from subgraphs.account.store.sqlite_migrations import MIGRATIONS
from subgraphs.account.store.sqlite_rows import CUSTOMERS, accounts_by, to_account, to_hold
from subgraphs.kit.sqlite_store import append_events

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

    from servicekit.sqlite_statements import Statements
    from subgraphs.account.holds import Hold
    from subgraphs.account.limits import Limits
    from subgraphs.account.postings import Posting
    from subgraphs.account.settlement import Outcome
    from subgraphs.kit.hash_chain import ChainKey
    from subgraphs.kit.pages import PageRequest
    from subgraphs.kit.store_factory import Clock

R = TypeVar("R")

_log = structlog.stdlib.get_logger("account.store")


class SqliteAccountStore(SqliteExports, SqliteCacheEpochs):
    """The `AccountStore` on one SQLite file."""

    migrations = MIGRATIONS
    _key: ChainKey

    @classmethod
    async def open_chained(cls, path: Path, key: ChainKey, clock: Clock = values.now) -> Self:
        """Open the file at `path` (see `open_file`), and chain the entries that an earlier release posted.

        Raises:
            StartupError: see `open_file`; or the chains of the file were made with another key.
        """
        store = await cls.open_file(path, clock=clock)
        try:
            await store.chain_with(key, path)
        except BaseException:
            await store.close()
            raise
        return store

    async def chain_with(self, key: ChainKey, path: Path) -> None:
        """Use `key` for the hash chains. Raises StartupError if the chains were made with another key."""
        self._key = key
        await record_or_check_key(self._database, path, key)
        await chain_old_entries(self._database, key)

    async def by_ids(self, ids: Collection[str]) -> Mapping[str, Account]:
        return await accounts_by(self._database.lookups, "id", ids)

    async def by_numbers(self, numbers: Collection[str]) -> Mapping[str, Account]:
        return await accounts_by(self._database.lookups, "number", numbers)

    async def page(self, wanted: AccountFilter, page: PageRequest) -> Sequence[Account]:
        query, parameters = _filtered(wanted, page) if _is_filtered(wanted) else _unfiltered(page)
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, parameters)
        return [to_account(row) for row in rows]

    async def count(self, wanted: AccountFilter) -> int:
        where, parameters = _conditions(wanted)
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT count(*) AS n FROM accounts WHERE {where}",  # noqa: S608 - constants
                parameters,
            )
        return sum(row["n"] for row in rows)

    async def pages_of(
        self, owners: Collection[str], wanted: AccountFilter, page: PageRequest
    ) -> Mapping[str, Sequence[Account]]:
        where, parameters = _conditions(wanted, page, owners)
        order = "DESC" if page.backwards else "ASC"
        query = (
            "SELECT * FROM (SELECT *, row_number() OVER"  # noqa: S608 - constants
            f" (PARTITION BY user_id ORDER BY id {order}) AS position FROM accounts WHERE {where})"
            " WHERE position <= :limit ORDER BY user_id, position"
        )
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, parameters)
        pages: dict[str, list[Account]] = {}
        for row in rows:
            pages.setdefault(row["user_id"], []).append(to_account(row))
        return pages

    async def counts_of(self, owners: Collection[str], wanted: AccountFilter) -> Mapping[str, int]:
        where, parameters = _conditions(wanted, owners=owners)
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT user_id, count(*) AS n FROM accounts WHERE {where} GROUP BY user_id",  # noqa: S608 - constants
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
            current = (await accounts_by(connection, "id", [account_id])).get(account_id)
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
        return await wrong_receivers(self._database.lookups, user_id, at)

    async def post(self, posting: Posting, limits: Limits = DEFAULT_LIMITS) -> Outcome:
        async def posted(connection: Statements) -> Outcome:
            ledger = SqliteLedgerTransaction(connection, self._key)
            return (await ledger_operations.post(ledger, posting, limits, self._clock()))[0]

        return await self._database.run_counted(posted)

    async def reserve(self, posting: Posting, expires_at: datetime, limits: Limits = DEFAULT_LIMITS) -> Hold | Outcome:
        async with self._changing() as connection:
            ledger = SqliteLedgerTransaction(connection, self._key)
            return (await ledger_operations.reserve(ledger, posting, expires_at, limits, self._clock()))[0]

    async def capture(
        self, transaction_id: str, amount: Decimal | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> Outcome | None:
        async with self._changing() as connection:
            ledger = SqliteLedgerTransaction(connection, self._key)
            return (await ledger_operations.capture(ledger, transaction_id, amount, limits, self._clock()))[0]

    async def release(self, transaction_id: str) -> Hold | None:
        async with self._changing() as connection:
            ledger = SqliteLedgerTransaction(connection, self._key)
            ended = await ledger_operations.end(
                ledger, transaction_id, HoldStatus.RELEASED, DEFAULT_LIMITS, self._clock()
            )
            return ended[0]

    async def expire(self, transaction_id: str) -> bool:
        async with self._changing() as connection:
            ledger = SqliteLedgerTransaction(connection, self._key)
            ended = await ledger_operations.end(
                ledger, transaction_id, HoldStatus.EXPIRED, DEFAULT_LIMITS, self._clock()
            )
            return ended[1]

    async def due_holds(self, *, limit: int) -> Sequence[str]:
        query = "SELECT transaction_id FROM holds WHERE status = 'HELD' AND expires_at <= ? ORDER BY expires_at LIMIT ?"
        async with self._database.snapshot() as connection:
            due = await connection.execute_fetchall(query, (format_timestamp(self._clock()), limit))
        return [row["transaction_id"] for row in due]

    async def accounts_of_hold(self, transaction_id: str) -> Collection[str]:
        query = "SELECT * FROM holds WHERE transaction_id = ?"
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, (transaction_id,))
        return [account for row in rows for account in to_hold(row).posting.customer_ids()]


def _is_filtered(wanted: AccountFilter) -> bool:
    return any(each is not None for each in (wanted.statuses, wanted.types, wanted.currencies))


# The SQL fragments of this module are constants. Every value is passed as a parameter.
def _unfiltered(page: PageRequest) -> tuple[str, dict[str, object]]:
    where, parameters = _conditions(AccountFilter(statuses=None), page)
    order = "DESC" if page.backwards else "ASC"
    return f"SELECT * FROM accounts WHERE {where} ORDER BY id {order} LIMIT :limit", parameters  # noqa: S608 - see above


def _filtered(wanted: AccountFilter, page: PageRequest) -> tuple[str, dict[str, object]]:
    """Return the query for a page of a filtered list.

    It reads a page of each group of accounts with one status, one type and one currency. So a page with few accounts
    among many others takes no longer than the first page of all accounts.
    """
    groups: dict[str, Iterable[str]] = {
        "status": AccountStatus if wanted.statuses is None else wanted.statuses,
        "type": AccountType if wanted.types is None else wanted.types,
    }
    if wanted.currencies is not None:
        groups["currency"] = wanted.currencies
    where, parameters = _conditions(AccountFilter(statuses=None), page)
    of_group = " AND ".join(f"{column} = json_extract(one.value, '$[{n}]')" for n, column in enumerate(groups))
    order = "DESC" if page.backwards else "ASC"
    query = (
        "SELECT accounts.* FROM json_each(:groups) AS one CROSS JOIN accounts WHERE accounts.id IN"  # noqa: S608 - as above
        f" (SELECT id FROM accounts WHERE {where} AND user_id IS NOT NULL AND {of_group}"
        f" ORDER BY id {order} LIMIT :limit) ORDER BY accounts.id {order} LIMIT :limit"
    )
    return query, {**parameters, "groups": json.dumps(list(product(*map(dict.fromkeys, groups.values()))))}


def _conditions(
    wanted: AccountFilter, page: PageRequest | None = None, owners: Collection[str] | None = None
) -> tuple[str, dict[str, object]]:
    """Return a WHERE clause for customers' accounts, and its parameters.

    A list of any length is passed as one JSON parameter.
    """
    # SQLite uses the index of owners only if the clause says that there is an owner.
    clauses = [CUSTOMERS if owners is None else "user_id IS NOT NULL"]
    parameters: dict[str, object] = {}
    lists = {"status": wanted.statuses, "type": wanted.types, "currency": wanted.currencies, "user_id": owners}
    for column, allowed in lists.items():
        if allowed is not None:
            # The plus sign keeps SQLite from taking the index of another column than the owner.
            by_index = owners is None or column == "user_id"
            clauses.append(f"{'' if by_index else '+'}{column} IN (SELECT value FROM json_each(:{column}))")  # noqa: S608 - as above
            parameters[column] = json.dumps(list(allowed))
    if page is not None:
        parameters["limit"] = page.limit + 1
        for name, operator, key in (("after", ">", page.after), ("before", "<", page.before)):
            if key is not None:
                clauses.append(f"id {operator} :{name}")
                parameters[name] = key[0]
    return " AND ".join(clauses), parameters


async def _update(connection: Statements, account: Account) -> None:
    action = account.staff_action
    mark = (None, None, None) if action is None else (action.kind, action.user_id, format_timestamp(action.at))
    await connection.execute(
        "UPDATE accounts SET type = ?, status = ?, version = ?, updated_at = ?,"
        " staff_action = ?, staff_user_id = ?, staff_acted_at = ? WHERE id = ?",
        (account.type, account.status, account.version, format_timestamp(account.updated_at), *mark, account.id),
    )


async def _count_open(connection: Statements, user_id: str) -> int:
    rows = await connection.execute_fetchall(
        "SELECT count(*) AS n FROM accounts WHERE user_id = ? AND status IN (SELECT value FROM json_each(?))",
        (user_id, json.dumps(OPEN_STATUSES)),
    )
    return sum(row["n"] for row in rows)


async def _insert(connection: Statements, account: Account) -> bool:
    """Insert the account. Return False if its number is taken."""
    created = format_timestamp(account.created_at)
    inserted = await connection.execute(
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
    return inserted == 1
