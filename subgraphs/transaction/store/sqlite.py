"""The embedded store."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bank.values import exponent, from_minor_units, to_minor_units
from servicekit.sqlite import reading, writing
from subgraphs.transaction import problems
from subgraphs.transaction.domain import (
    OPEN,
    IllegalTransition,
    Order,
    Parties,
    Party,
    Requester,
    Transaction,
    TransactionStatus,
    TransactionType,
    predecessors,
)
from subgraphs.transaction.idempotency import Remembered
from subgraphs.transaction.store import queries
from subgraphs.transaction.store.protocol import Sums, milliseconds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    import aiosqlite

    from servicekit.sqlite import Database
    from subgraphs.transaction.idempotency import KeyEntry, KeyScope
    from subgraphs.transaction.problems import Problem
    from subgraphs.transaction.store.protocol import Listing, TurnoverRequest


_OPEN = ", ".join(f"'{status}'" for status in sorted(OPEN))

_INSERT = """
INSERT INTO transactions VALUES (
    :id, :type, :status, :amount, :exponent, :currency,
    :source_named, :source_account_id, :source_user_id, :source_account_number,
    :destination_named, :destination_account_id, :destination_user_id, :destination_account_number,
    :payee, :metadata, :problem, :requester_user_id, :requester_roles, :principal_user_id, :created_at, :updated_at
)
"""

# The join's columns of the key have names that no column of transactions has.
_REMEMBERED = f"""
SELECT transactions.*, fingerprint FROM idempotency_keys AS k JOIN transactions ON transactions.id = k.transaction_id
WHERE k.user_id = ? AND k.mutation = ? AND k.key = ? AND (k.expires_at > ? OR status IN ({_OPEN}))
"""  # noqa: S608 - constants of the domain

_FORGET = f"""
DELETE FROM idempotency_keys WHERE expires_at <= ?
AND transaction_id NOT IN (SELECT id FROM transactions WHERE status IN ({_OPEN}))
"""  # noqa: S608 - constants of the domain

# The status is compared in the statement itself, so that of two writers only one takes the step.
_CONCLUDE = """
UPDATE transactions SET status = ?, problem = ?, updated_at = ?
WHERE id = ? AND status IN (SELECT value FROM json_each(?))
"""


class SqliteTransactionStore:
    """Implements ``TransactionStore`` on a database opened with ``migrations.MIGRATIONS``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, transaction: Transaction, key: KeyEntry) -> Remembered | None:
        scope = key.scope
        async with writing(self._database) as connection:
            taken = await _find_key(connection, scope, transaction.created_at)
            if taken is not None:
                return taken
            await connection.execute(_INSERT, _to_row(transaction))
            await connection.execute(
                # An entry may still be there, expired and not yet forgotten.
                "INSERT OR REPLACE INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?)",
                (*_key(scope), key.fingerprint, transaction.id, milliseconds(key.expires_at)),
            )
        return None

    async def remembered(self, scope: KeyScope, at: datetime) -> Remembered | None:
        async with reading(self._database) as connection:
            return await _find_key(connection, scope, at)

    async def conclude(
        self, transaction_id: str, status: TransactionStatus, problem: Problem | None, at: datetime
    ) -> Transaction:
        document = json.dumps(problems.to_json(problem)) if problem is not None else None
        allowed = json.dumps(sorted(predecessors(status)))
        async with writing(self._database) as connection:
            await connection.execute(_CONCLUDE, (status, document, milliseconds(at), transaction_id, allowed))
            rows = await connection.execute_fetchall("SELECT * FROM transactions WHERE id = ?", (transaction_id,))
        for transaction in map(_from_row, rows):
            if transaction.status is status:
                return transaction
            raise IllegalTransition(f"{transaction_id}: {transaction.status} to {status}")
        raise IllegalTransition(f"{transaction_id} does not exist")

    async def pending_ids(self, *, after: str, limit: int) -> Sequence[str]:
        rows = await self._read(
            "SELECT id FROM transactions WHERE status = 'PENDING' AND id > ? ORDER BY id LIMIT ?", (after, limit)
        )
        return [row["id"] for row in rows]

    async def forget_keys(self, at: datetime) -> int:
        async with writing(self._database) as connection:
            cursor = await connection.execute(_FORGET, (milliseconds(at),))
            return cursor.rowcount

    async def by_ids(self, transaction_ids: Sequence[str]) -> Mapping[str, Transaction]:
        rows = await self._read(
            "SELECT * FROM transactions WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(transaction_ids)),),
        )
        return {row["id"]: _from_row(row) for row in rows}

    async def listing(self, listing: Listing) -> Sequence[Transaction]:
        return [_from_row(row) for row in await self._run(queries.page(listing))]

    async def listing_of_accounts(
        self, account_ids: Sequence[str], listing: Listing
    ) -> Mapping[str, Sequence[Transaction]]:
        pages: dict[str, list[Transaction]] = {account_id: [] for account_id in account_ids}
        for row in await self._run(queries.page_of_accounts(list(pages), listing)):
            pages[row["for_account"]].append(_from_row(row))
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

    async def ping(self) -> None:
        await self._database.ping()

    async def _run(self, query: queries.Query) -> Iterable[sqlite3.Row]:
        return await self._read(query.sql, query.parameters)

    async def _read(self, sql: str, parameters: Any) -> Iterable[sqlite3.Row]:
        async with reading(self._database) as connection:
            return await connection.execute_fetchall(sql, parameters)


async def _find_key(connection: aiosqlite.Connection, scope: KeyScope, at: datetime) -> Remembered | None:
    for row in await connection.execute_fetchall(_REMEMBERED, (*_key(scope), milliseconds(at))):
        return Remembered(row["fingerprint"], _from_row(row))
    return None


def _key(scope: KeyScope) -> tuple[str, str, str]:
    return scope.user_id, scope.mutation, scope.key


def _to_row(transaction: Transaction) -> dict[str, str | int | None]:
    order, problem = transaction.order, transaction.problem
    return {
        "id": transaction.id,
        "type": order.type,
        "status": transaction.status,
        "amount": to_minor_units(order.amount, order.currency),
        "exponent": exponent(order.currency),
        "currency": order.currency,
        **_side("source", order.source, transaction.parties.source),
        **_side("destination", order.destination, transaction.parties.destination),
        "payee": order.payee,
        "metadata": json.dumps(dict(order.metadata)),
        "problem": json.dumps(problems.to_json(problem)) if problem is not None else None,
        "requester_user_id": transaction.requester.user_id,
        "requester_roles": json.dumps(sorted(transaction.requester.roles)),
        "principal_user_id": transaction.principal_user_id,
        "created_at": milliseconds(transaction.created_at),
        "updated_at": milliseconds(transaction.updated_at),
    }


def _side(side: str, named: str | None, party: Party | None) -> dict[str, str | None]:
    return {
        f"{side}_named": named,
        f"{side}_account_id": party.account_id if party else None,
        f"{side}_user_id": party.user_id if party else None,
        f"{side}_account_number": party.account_number if party else None,
    }


def _from_row(row: sqlite3.Row) -> Transaction:
    order = Order(
        type=TransactionType(row["type"]),
        amount=Decimal(row["amount"]).scaleb(-row["exponent"]),
        currency=row["currency"],
        source=row["source_named"],
        destination=row["destination_named"],
        payee=row["payee"],
        metadata=json.loads(row["metadata"]),
    )
    return Transaction(
        id=row["id"],
        order=order,
        requester=Requester(row["requester_user_id"], frozenset(json.loads(row["requester_roles"]))),
        parties=Parties(_party(row, "source"), _party(row, "destination")),
        status=TransactionStatus(row["status"]),
        problem=problems.from_json(json.loads(row["problem"])) if row["problem"] else None,
        created_at=_moment(row["created_at"]),
        updated_at=_moment(row["updated_at"]),
    )


def _party(row: sqlite3.Row, side: str) -> Party | None:
    account_id = row[f"{side}_account_id"]
    if account_id is None:
        return None
    return Party(account_id, row[f"{side}_user_id"], row[f"{side}_account_number"])


def _moment(milliseconds_since_epoch: int) -> datetime:
    seconds, rest = divmod(milliseconds_since_epoch, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
