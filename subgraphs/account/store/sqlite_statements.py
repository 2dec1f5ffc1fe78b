"""Reads the entries of accounts from the SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bank.values import format_timestamp, from_minor_units, parse_timestamp
from subgraphs.account.statements import LedgerEntry, narrowed
from subgraphs.kit.sqlite_store import SqliteOutboxStore
from subgraphs.kit.times import from_milliseconds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.account.statements import Period
    from subgraphs.kit.pages import PageRequest

BALANCE_QUERY = """
SELECT balance_after, currency FROM entries WHERE account_id = ? AND posted_at < ?
ORDER BY posted_at DESC, sequence DESC LIMIT 1
"""


# With max(), SQLite takes the other columns from the row that has the maximum.
_LAST_HASHES = """
SELECT account_id, hash, max(position) FROM entries
WHERE posted_at >= ? AND posted_at < ? AND position IS NOT NULL GROUP BY account_id
"""


class SqliteStatements(SqliteOutboxStore):
    """The part of the `AccountStore` that reads entries. Each query reads a range of the index `entries_by_time`."""

    async def entries(
        self, wanted: Collection[tuple[str, Period]], page: PageRequest
    ) -> Mapping[tuple[str, Period], Sequence[LedgerEntry]]:
        query, positions = entries_query(page)
        found = {}
        async with self._database.snapshot() as connection:
            for account, period in wanted:
                part = narrowed(period, page)
                bounds = {
                    "account": account,
                    "begin": format_timestamp(part.begin),
                    "end": format_timestamp(part.end),
                    "limit": page.limit + 1,
                }
                rows = await connection.execute_fetchall(query, positions | bounds)
                found[account, period] = [_to_entry(row) for row in rows]
        return found

    async def last_hashes(self, period: Period) -> Sequence[tuple[str, bytes]]:
        async with self._database.snapshot() as connection:
            bounds = (format_timestamp(period.begin), format_timestamp(period.end))
            return [(row["account_id"], row["hash"]) for row in await connection.execute_fetchall(_LAST_HASHES, bounds)]

    async def balances_before(
        self, moments: Collection[tuple[str, datetime]]
    ) -> Mapping[tuple[str, datetime], Decimal]:
        found = {}
        async with self._database.snapshot() as connection:
            for account, moment in moments:
                for row in await connection.execute_fetchall(BALANCE_QUERY, (account, format_timestamp(moment))):
                    found[account, moment] = from_minor_units(row["balance_after"], row["currency"])
        return found


def entries_query(page: PageRequest) -> tuple[str, dict[str, Any]]:
    """Return the query for a page of an account's entries, and the parameters that come from `page`."""
    clauses = ["account_id = :account", "position IS NOT NULL", "posted_at >= :begin", "posted_at < :end"]
    parameters: dict[str, Any] = {}
    for name, operator, key in (("after", ">", page.after), ("before", "<", page.before)):
        if key is not None:
            clauses.append(f"(posted_at {operator} :{name} OR position {operator} :{name}_position)")
            parameters |= {name: format_timestamp(from_milliseconds(int(key[0]))), f"{name}_position": int(key[1])}
    order = "DESC" if page.backwards else "ASC"
    query = (
        f"SELECT * FROM entries WHERE {' AND '.join(clauses)}"  # noqa: S608 - constants of this module
        f" ORDER BY posted_at {order}, sequence {order} LIMIT :limit"
    )
    return query, parameters


def _to_entry(row: sqlite3.Row) -> LedgerEntry:
    currency: str = row["currency"]
    return LedgerEntry(
        account_id=row["account_id"],
        transaction_id=row["transaction_id"],
        position=row["position"],
        posted_at=parse_timestamp(row["posted_at"]),
        amount=from_minor_units(row["amount"], currency),
        balance=from_minor_units(row["balance_after"], currency),
        currency=currency,
    )
