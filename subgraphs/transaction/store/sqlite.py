"""Transactions, idempotency keys and leases in one SQLite file."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from bank.values import from_minor_units
from subgraphs.kit.sqlite_store import append_events
from subgraphs.kit.times import from_milliseconds, to_milliseconds
from subgraphs.transaction import events
from subgraphs.transaction.domain import (
    OPEN,
    SETTLED,
    IllegalTransition,
    Transaction,
    TransactionStatus,
)
from subgraphs.transaction.idempotency import UsedKey, may_be_reused
from subgraphs.transaction.lease import MAX_AHEAD, Lease, may_claim
from subgraphs.transaction.reversal import NotReversible
from subgraphs.transaction.states import StatusChange
from subgraphs.transaction.store import sqlite_queries as queries
from subgraphs.transaction.store.protocol import Sums
from subgraphs.transaction.store.sqlite_migrations import MIGRATIONS
from subgraphs.transaction.store.sqlite_notifications import SqliteNotifications
from subgraphs.transaction.store.sqlite_provider_events import SqliteProviderEvents
from subgraphs.transaction.store.sqlite_rows import (
    STATE_COLUMNS,
    changed_columns,
    from_row,
    lease_columns,
    state_columns,
    to_lease,
    to_row,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from servicekit.sqlite_statements import Queries, Statements
    from subgraphs.transaction.idempotency import KeyEntry, KeyScope
    from subgraphs.transaction.store.protocol import Change, Listing, TurnoverRequest

_OPEN = ", ".join(f"'{status}'" for status in sorted(OPEN))

_INSERT = """
INSERT INTO transactions VALUES (
    :id, :type, :status, :amount, :exponent, :currency,
    :source_named, :source_account_id, :source_user_id, :source_account_number,
    :destination_named, :destination_account_id, :destination_user_id, :destination_account_number,
    :payee, :metadata, :problem, :requester_user_id, :requester_roles, :principal_user_id, :created_at, :updated_at,
    :lease_owner, :lease_expires_at, :fraud_decision, :approvals, :refusal, :reversal_of, :reversal_type,
    :instrument, :credited_amount, :credited_exponent, :credited_currency, :rate_base, :rate_quote, :rate,
    :rates_version
)
"""

# Nearly every key is looked up before it is used. So this query reads nothing of the transaction.
_FIND_KEY = """
SELECT fingerprint, transaction_id, expires_at FROM idempotency_keys WHERE user_id = ? AND mutation = ? AND key = ?
"""

# The condition is the same as idempotency.may_be_reused.
_FORGET = f"""
DELETE FROM idempotency_keys WHERE expires_at <= ?
AND NOT EXISTS (SELECT 1 FROM transactions WHERE id = transaction_id AND status IN ({_OPEN}))
"""  # noqa: S608 - constants of the domain

# A new status ends the lease.
_END_LEASE: Final = ("lease_owner = NULL", "lease_expires_at = NULL")
# Is true if the row still has the known state.
_IS_KNOWN: Final = "".join(f" AND {column} IS :known_{column}" for column in STATE_COLUMNS)

_FIND = "SELECT * FROM transactions WHERE id = ?"

_ADD_TO_HISTORY = """
INSERT INTO status_changes
SELECT :id, 1 + count(*), :status, :at, :by FROM status_changes WHERE transaction_id = :id
"""

_HISTORIES = """
SELECT * FROM status_changes WHERE transaction_id IN (SELECT value FROM json_each(?)) ORDER BY transaction_id, number
"""

_SETTLED_IDS = """
SELECT id FROM transactions WHERE id > ? AND status IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?
"""

# The condition is the same as lease.may_claim.
_UNCLAIMED = """
SELECT id FROM transactions WHERE status = 'PENDING' AND id > :after
AND (lease_expires_at IS NULL OR lease_expires_at <= :at OR lease_expires_at > :max_ahead)
ORDER BY id LIMIT :limit
"""


class SqliteTransactionStore(SqliteProviderEvents, SqliteNotifications):
    """The `TransactionStore` on one SQLite file."""

    migrations = MIGRATIONS

    async def record(self, transaction: Transaction, key: KeyEntry, lease: Lease | None = None) -> UsedKey | None:
        async def recorded(connection: Statements) -> UsedKey | None:
            taken = await _find_key(connection, key.scope, self._not_ahead(transaction.created_at))
            if taken is not None:
                return taken
            await _check_only_reversal(connection, transaction)
            await _insert(connection, transaction, key, lease)
            return None

        return await self._database.run_counted(recorded)

    async def find_key(self, scope: KeyScope, at: datetime) -> UsedKey | None:
        return await _find_key(self._database.lookups, scope, self._not_ahead(at))

    def _not_ahead(self, at: datetime) -> datetime:
        """Return the time that decides whether a key has expired: `at`, but not after the time of `_clock`.

        `_clock` is cautious: it does not follow a clock that suddenly jumps ahead. If it did, valid keys would expire,
        and a repeated order would be executed twice.
        """
        return min(at, self._clock())

    async def change(
        self, transaction_id: str, decide: Change, *, by: str | None = None, known: Transaction | None = None
    ) -> Transaction:
        async def changed(connection: Statements) -> Transaction:
            after = None if known is None else await _change_known(connection, known, decide, by)
            return after or await _change(connection, transaction_id, decide, by)

        return await self._database.run_counted(changed)

    async def histories(self, transaction_ids: Sequence[str]) -> Mapping[str, Sequence[StatusChange]]:
        histories: dict[str, list[StatusChange]] = {}
        for row in await self._read(_HISTORIES, (json.dumps(list(transaction_ids)),)):
            change = StatusChange(TransactionStatus(row["status"]), from_milliseconds(row["at"]), row["by"])
            histories.setdefault(row["transaction_id"], []).append(change)
        return histories

    async def claim(self, transaction_id: str, lease: Lease, at: datetime) -> Transaction | None:
        async with self._database.transaction(is_short=True) as connection:
            row = await _find_row(connection, transaction_id)
            if row is None or not may_claim(from_row(row), to_lease(row), at):
                return None
            await connection.execute(
                "UPDATE transactions SET lease_owner = :lease_owner, lease_expires_at = :lease_expires_at"
                " WHERE id = :id",
                {**lease_columns(lease), "id": transaction_id},
            )
            return from_row(row)

    async def renew(self, transaction_ids: Collection[str], lease: Lease) -> None:
        async with self._database.transaction(is_short=True) as connection:
            await connection.execute(
                "UPDATE transactions SET lease_expires_at = :lease_expires_at"
                " WHERE id IN (SELECT value FROM json_each(:ids)) AND lease_owner = :lease_owner",
                {**lease_columns(lease), "ids": json.dumps(list(transaction_ids))},
            )

    async def release(self, transaction_id: str, owner: str) -> None:
        async with self._database.transaction(is_short=True) as connection:
            await connection.execute(
                "UPDATE transactions SET lease_owner = NULL, lease_expires_at = NULL WHERE id = ? AND lease_owner = ?",
                (transaction_id, owner),
            )

    async def unclaimed_ids(self, at: datetime, *, after: str, limit: int) -> Sequence[str]:
        parameters = {
            "at": to_milliseconds(at),
            "max_ahead": to_milliseconds(at + MAX_AHEAD),
            "after": after,
            "limit": limit,
        }
        return [row["id"] for row in await self._read(_UNCLAIMED, parameters)]

    async def delete_expired_keys(self, at: datetime) -> int:
        async with self._database.transaction() as connection:
            return await connection.execute(_FORGET, (to_milliseconds(at),))

    async def settled_ids(self, *, after: str, limit: int) -> Sequence[str]:
        return [row["id"] for row in await self._read(_SETTLED_IDS, (after, json.dumps(sorted(SETTLED)), limit))]

    async def by_ids(self, transaction_ids: Sequence[str]) -> Mapping[str, Transaction]:
        rows = await self._database.lookups.execute_fetchall(
            "SELECT * FROM transactions WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(transaction_ids)),),
        )
        return {row["id"]: from_row(row) for row in rows}

    async def listing(self, listing: Listing) -> Sequence[Transaction]:
        return [from_row(row) for row in await self._run(queries.page(listing))]

    async def listing_of_accounts(
        self, account_ids: Sequence[str], listing: Listing
    ) -> Mapping[str, Sequence[Transaction]]:
        pages: dict[str, list[Transaction]] = {account_id: [] for account_id in account_ids}
        for row in await self._run(queries.page_of_accounts(list(pages), listing)):
            pages[row["for_account"]].append(from_row(row))
        return pages

    async def count(self, listing: Listing) -> int:
        (row,) = await self._run(queries.count(listing))
        number: int = row[0]
        return number

    async def count_of_accounts(self, account_ids: Sequence[str], listing: Listing) -> Mapping[str, int]:
        return {row[0]: row[1] for row in await self._run(queries.count_of_accounts(account_ids, listing))}

    async def turnover(self, account_ids: Sequence[str], request: TurnoverRequest) -> Mapping[tuple[str, str], Sums]:
        units: dict[tuple[str, str], dict[str, int]] = {}
        for account_id, currency, side, high, low in await self._run(queries.turnover(account_ids, request)):
            units.setdefault((account_id, currency), {})[side] = queries.whole_sum(high, low)
        return {
            key: Sums(*(from_minor_units(sides.get(side, 0), key[1]) for side in ("credited", "debited")))
            for key, sides in units.items()
        }

    async def _run(self, query: queries.Query) -> Iterable[sqlite3.Row]:
        return await self._read(query.sql, query.parameters)

    async def _read(self, sql: str, parameters: Any) -> Iterable[sqlite3.Row]:
        async with self._database.snapshot() as connection:
            return await connection.execute_fetchall(sql, parameters)


async def _find_key(connection: Queries, scope: KeyScope, at: datetime) -> UsedKey | None:
    for fingerprint, transaction_id, expires_at in await connection.execute_fetchall(_FIND_KEY, _key(scope)):
        # A key refers to a transaction (a foreign key), and transactions are never deleted.
        (row,) = await connection.execute_fetchall(_FIND, (transaction_id,))
        transaction = from_row(row)
        if not may_be_reused(from_milliseconds(expires_at), transaction, at):
            return UsedKey(fingerprint, transaction)
    return None


async def _check_only_reversal(connection: Statements, transaction: Transaction) -> None:
    reversal = transaction.order.reversal
    if reversal is None:
        return
    query = "SELECT id FROM transactions WHERE reversal_of = ? AND status <> 'FAILED'"
    if list(await connection.execute_fetchall(query, (reversal.of,))):
        raise NotReversible(reversal.of)


async def _find_row(connection: Statements, transaction_id: str) -> sqlite3.Row | None:
    rows = await connection.execute_fetchall(_FIND, (transaction_id,))
    return next(iter(rows), None)


async def _insert(connection: Statements, transaction: Transaction, key: KeyEntry, lease: Lease | None) -> None:
    """Insert the transaction, its key and its first status, and write its events to the outbox."""
    await connection.execute(_INSERT, {**to_row(transaction), **lease_columns(lease)})
    await connection.execute(
        # REPLACE is needed if the key has expired, but its old entry is not deleted yet.
        "INSERT OR REPLACE INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?)",
        (*_key(key.scope), key.fingerprint, transaction.id, to_milliseconds(key.expires_at)),
    )
    await _add_to_history(connection, transaction, None)
    await append_events(connection, events.of_change(None, transaction))


async def _change(connection: Statements, transaction_id: str, decide: Change, by: str | None) -> Transaction:
    """Replace a transaction by the result of `decide`, whatever its state is."""
    row = await _find_row(connection, transaction_id)
    if row is None:
        raise IllegalTransition(f"{transaction_id} does not exist")
    found = from_row(row)
    changed = decide(found)
    columns = changed_columns(found, changed)
    if columns:
        await connection.execute(_update(tuple(columns)), {**columns, "id": transaction_id})
        await _add_change(connection, found, changed, by)
    return changed


async def _change_known(
    connection: Statements, known: Transaction, decide: Change, by: str | None
) -> Transaction | None:
    """Replace a transaction by the result of `decide`, if its state is still `known`.

    Return None if nothing was replaced: because the state is another one, or because `decide` changes nothing.
    """
    try:
        changed = decide(known)
    except IllegalTransition:
        # The state in the store may allow the move.
        return None
    columns = changed_columns(known, changed)
    if not columns:
        return None
    before = {f"known_{column}": value for column, value in state_columns(known).items()}
    statement = _update(tuple(columns)) + _IS_KNOWN
    if not await connection.execute(statement, {**columns, **before, "id": known.id}):
        return None
    await _add_change(connection, known, changed, by)
    return changed


@lru_cache
def _update(columns: tuple[str, ...]) -> str:
    """Return the statement that replaces `columns` of a transaction.

    Other columns are not part of it, because SQLite writes each index of a column that a statement sets, even if the
    value stays the same.
    """
    values = [f"{column} = :{column}" for column in columns]
    if "status" in columns:
        values += _END_LEASE
    return f"UPDATE transactions SET {', '.join(values)} WHERE id = :id"  # noqa: S608 - names of columns


async def _add_change(connection: Statements, before: Transaction, after: Transaction, by: str | None) -> None:
    """Add a change that was made to the history and to the outbox."""
    if after.status is not before.status:
        await _add_to_history(connection, after, by)
    await append_events(connection, events.of_change(before, after))


async def _add_to_history(connection: Statements, changed: Transaction, by: str | None) -> None:
    at = to_milliseconds(changed.updated_at)
    await connection.execute(_ADD_TO_HISTORY, {"id": changed.id, "status": changed.status, "at": at, "by": by})


def _key(scope: KeyScope) -> tuple[str, str, str]:
    return scope.user_id, scope.mutation, scope.key
