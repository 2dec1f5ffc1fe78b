"""`UsageStore`: writes usage to a database, and answers questions about it.

`write` is one transaction, so a store never has a part of a batch. Counts are kept by minute and, for long windows, by
day.
"""

# ruff: noqa: S608  (statements contain only our own names and placeholders)

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from router.usage.database_tables import BUCKET_COLUMNS
from router.usage.usage_data import BUCKET_COUNT, DAY, MINUTE, id_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from router.usage.sql_connection import Row, SqlConnection, SqlTransaction
    from router.usage.usage_data import UsageBatch

_COUNTED: Final = ("requests", "errors", "seconds", *BUCKET_COLUMNS)
# The maximum number of parameters in one statement. SQLite allows 32,766, PostgreSQL 32,767.
_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted: rows of minutes and of days, and operations without any counts."""

    minutes: int
    days: int
    operations: int


class UsageStore:
    """Writes usage to an open database."""

    def __init__(self, connection: SqlConnection) -> None:
        self.connection = connection

    async def write(self, batch: UsageBatch, max_operations: int) -> int:
        """Add a batch. Return how many requests were left out, because the store has `max_operations` operations.

        Raises:
            StoreFailure: The database cannot be written now. Nothing of the batch was written.
        """
        now = int(time.time())
        async with self.connection.transaction() as transaction:
            stored = await _stored(transaction, batch.operations)
            new = [each for each in batch.operations if each not in stored]
            room = max_operations
            if new:
                ((count,),) = await transaction.fetch("SELECT count(*) FROM operations")
                room = max(0, max_operations - int(count or 0))
            left_out = frozenset(new[room:])
            await _write_operations(transaction, batch, left_out, now)
            await _write_uses(transaction, batch, left_out, stored, now)
            await _write_counts(transaction, batch, left_out)
        return sum(counts.requests for (_, operation, _), counts in batch.counts.items() if operation in left_out)

    async def prune(self, now: float, keep_days: int, keep_minutes_days: int) -> Pruned:
        """Delete counts that are older than a number of days, and operations that have no counts left.

        Raises:
            StoreFailure: The database cannot be written now. Nothing was deleted.
        """
        first_minute = (int(now) - keep_minutes_days * DAY) // MINUTE
        first_day = int(now) // DAY - keep_days
        async with self.connection.transaction() as transaction:
            minutes = await _delete(transaction, "minutes", "period < $1", (max(first_minute, first_day * 1440),))
            days = await _delete(transaction, "days", "period < $1", (first_day,))
            old = "last_seen < $1"
            operations = await _delete(transaction, "operations", old, (first_day * DAY,))
            await transaction.execute("DELETE FROM uses WHERE operation NOT IN (SELECT id FROM operations)")
        return Pruned(minutes, days, operations)

    async def close(self) -> None:
        """Close the database."""
        await self.connection.close()


async def _stored(transaction: SqlTransaction, ids: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for some in in_parts(list(ids)):
        rows = await transaction.fetch(f"SELECT id FROM operations WHERE id IN ({places(len(some))})", tuple(some))
        found.update(int(row[0] or 0) for row in rows)
    return found


async def _write_operations(transaction: SqlTransaction, batch: UsageBatch, left_out: frozenset[int], now: int) -> None:
    unknown = batch.unknown_variables
    await transaction.execute(
        f"INSERT INTO operations VALUES ({places(7)}) ON CONFLICT (id) DO UPDATE SET last_seen = "
        "CASE WHEN operations.last_seen > excluded.last_seen THEN operations.last_seen ELSE excluded.last_seen END, "
        "unknown_variables = CASE WHEN operations.unknown_variables > excluded.unknown_variables "
        "THEN operations.unknown_variables ELSE excluded.unknown_variables END",
        [
            (each.id, each.name, each.kind, each.text, now, now, now if each.id in unknown else 0)
            for each in batch.operations.values()
            if each.id not in left_out
        ],
    )
    await transaction.execute(
        "INSERT INTO clients VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
        [(client.id, client.name, client.version) for client in batch.clients],
    )


async def _write_uses(
    transaction: SqlTransaction, batch: UsageBatch, left_out: frozenset[int], stored: set[int], now: int
) -> None:
    described = [
        each
        for each in batch.operations.values()
        if each.id not in left_out and (each.id in batch.described or each.id not in stored)
    ]
    uses = [(each.id, name, 0) for each in described for name in each.coordinates]
    uses += [
        (operation, name, 1)
        for operation, names in batch.in_variables.items()
        if operation not in left_out
        for name in names
    ]
    await transaction.execute(
        "INSERT INTO coordinates VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        [(id_of("coordinate", name), name) for name in sorted({name for _, name, _ in uses})],
    )
    await transaction.execute(
        f"INSERT INTO uses VALUES ({places(4)}) ON CONFLICT (operation, coordinate, in_variables) "
        "DO UPDATE SET last_seen = excluded.last_seen",
        [(operation, id_of("coordinate", name), kind, now) for operation, name, kind in uses],
    )


async def _write_counts(transaction: SqlTransaction, batch: UsageBatch, left_out: frozenset[int]) -> None:
    sums = ", ".join(f"{column} = {{table}}.{column} + excluded.{column}" for column in _COUNTED)
    for table, length in (("minutes", 1), ("days", DAY // MINUTE)):
        rows: list[Row] = [
            (minute // length, operation, client.id, each.requests, each.errors, each.seconds, *each.buckets)
            for (minute, operation, client), each in batch.counts.items()
            if operation not in left_out
        ]
        await transaction.execute(
            f"INSERT INTO {table} VALUES ({places(6 + BUCKET_COUNT)}) "
            f"ON CONFLICT (period, operation, client) DO UPDATE SET {sums.format(table=table)}",
            rows,
        )


async def _delete(transaction: SqlTransaction, table: str, condition: str, parameters: Row) -> int:
    ((count,),) = await transaction.fetch(f"SELECT count(*) FROM {table} WHERE {condition}", parameters)
    await transaction.execute(f"DELETE FROM {table} WHERE {condition}", (parameters,))
    return int(count or 0)


def places(count: int, first: int = 1) -> str:
    """Return placeholders for parameters: `$1, $2, $3`."""
    return ", ".join(f"${number}" for number in range(first, first + count))


def in_parts(values: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the values in parts that fit into one statement."""
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
