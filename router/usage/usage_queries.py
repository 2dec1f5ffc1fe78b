"""Reads a usage store: totals, clients, operations, and what they use of the schema."""

# ruff: noqa: S608  (statements contain only our own names and placeholders)

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from router.usage.database_tables import BUCKET_COLUMNS
from router.usage.usage_data import (
    DAY,
    MINUTE,
    Client,
    ClientUsage,
    Counts,
    OperationUsage,
    RecordedOperation,
    id_of,
)
from router.usage.usage_store import in_parts, places

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from router.usage.sql_connection import Row, SqlTransaction, SqlValue
    from router.usage.usage_data import UsageWindow
    from router.usage.usage_store import UsageStore

_SUMS: Final = ", ".join(f"sum({column})" for column in ("requests", "errors", "seconds", *BUCKET_COLUMNS))
# A window that begins longer ago than this is read by day, because counts by minute are deleted after some days.
_MAX_WINDOW_BY_MINUTE: Final = 2 * DAY


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """All requests of a window.

    Attributes:
        counts: Their sum.
        operations: The number of operations.
        clients: The clients with their counts. The client with the most requests is first.
    """

    counts: Counts
    operations: int
    clients: tuple[tuple[Client, Counts], ...]


@dataclass(frozen=True, slots=True)
class _Filter:
    """A condition for rows of `minutes` or `days`, with its parameters."""

    table: str
    condition: str
    parameters: Row

    @classmethod
    def of(cls, window: UsageWindow) -> _Filter:
        by_minute = time.time() - window.since <= _MAX_WINDOW_BY_MINUTE
        table, length = ("minutes", MINUTE) if by_minute else ("days", DAY)
        names = sorted(window.excluded_clients)
        excluded = f" AND client NOT IN (SELECT id FROM clients WHERE name IN ({places(len(names), 2)}))"
        return cls(table, "period >= $1" + (excluded if names else ""), (int(window.since) // length, *names))


async def read_totals(store: UsageStore, window: UsageWindow) -> UsageTotals:
    """Return the sums of all requests in a window.

    Raises:
        StoreFailure: The database cannot be read now.
    """
    chosen = _Filter.of(window)
    async with store.connection.transaction() as transaction:
        table = await transaction.whole_rows(chosen.table, chosen.condition, chosen.parameters)
        rows = await transaction.fetch(
            f"SELECT client, {_SUMS} FROM {table} WHERE {chosen.condition} GROUP BY client", chosen.parameters
        )
        ((operations,),) = await transaction.fetch(
            f"SELECT count(DISTINCT operation) FROM {chosen.table} WHERE {chosen.condition}", chosen.parameters
        )
        clients = await _clients(transaction)
    by_client = [(clients[_integer(row[0])], _counts(row[1:])) for row in rows]
    total = Counts()
    for _, counts in by_client:
        total.add(counts)
    by_client.sort(key=lambda each: (-each[1].requests, each[0].name, each[0].version))
    return UsageTotals(total, _integer(operations), tuple(by_client))


async def read_operations(
    store: UsageStore, window: UsageWindow, limit: int | None = None, coordinates: Collection[str] | None = None
) -> Sequence[OperationUsage]:
    """Return the operations of a window. The operation with the most requests is first.

    Args:
        store: The store.
        window: Which requests count.
        limit: The largest number of operations; None for all.
        coordinates: Only operations that use one of these coordinates; None for all. If some values of an operation's
            variables were not looked at, the operation is also included if they may use one of these coordinates.

    Raises:
        StoreFailure: The database cannot be read now.
    """
    chosen = _Filter.of(window)
    async with store.connection.transaction() as transaction:
        users = None if coordinates is None else await _users(transaction, window, coordinates)
        table = await transaction.whole_rows(chosen.table, chosen.condition, chosen.parameters)
        # For a few operations, find them by their requests first: to add up all numbers of all operations takes longer.
        sums = _SUMS if limit is None else "sum(requests)"
        rows = await transaction.fetch(
            f"SELECT operation, {sums} FROM {table} WHERE {chosen.condition} GROUP BY operation "
            f"ORDER BY sum(requests) DESC, operation"
            + (f" LIMIT {limit}" if limit is not None and users is None else ""),
            chosen.parameters,
        )
        rows = [row for row in rows if users is None or row[0] in users]
        if limit is None:
            counts = {_integer(row[0]): _counts(row[1:]) for row in rows}
        else:
            counts = await _counts_of(transaction, chosen, [_integer(row[0]) for row in rows[:limit]])
        return await _described(transaction, chosen, window, counts)


async def read_coordinates(store: UsageStore, window: UsageWindow) -> Mapping[str, int]:
    """Return how many requests used each coordinate in a window.

    The values of variables that were not looked at are not included; see `OperationUsage.in_variables`.

    Raises:
        StoreFailure: The database cannot be read now.
    """
    chosen = _Filter.of(window)
    since = f"${len(chosen.parameters) + 1}"
    async with store.connection.transaction() as transaction:
        table = await transaction.whole_rows(chosen.table, chosen.condition, chosen.parameters)
        statement = (
            f"WITH counted AS (SELECT operation, sum(requests) AS requests FROM {table} "
            f"WHERE {chosen.condition} GROUP BY operation), "
            "used AS (SELECT DISTINCT operation, coordinate FROM uses "
            f"WHERE in_variables = 0 OR last_seen >= {since}), "
            "summed AS (SELECT used.coordinate, sum(counted.requests) AS requests FROM used "
            "JOIN counted ON counted.operation = used.operation GROUP BY used.coordinate) "
            "SELECT coordinates.name, summed.requests FROM summed "
            "JOIN coordinates ON coordinates.id = summed.coordinate"
        )
        rows = await transaction.fetch(statement, (*chosen.parameters, int(window.since)))
    return {str(name): _integer(requests) for name, requests in rows}


async def _users(transaction: SqlTransaction, window: UsageWindow, coordinates: Collection[str]) -> set[SqlValue]:
    """Return the ids of operations that use, or may use, one of the coordinates."""
    since = int(window.since)
    rows = await transaction.fetch("SELECT id FROM operations WHERE unknown_variables >= $1", (max(since, 1),))
    found = {row[0] for row in rows}
    for some in in_parts([id_of("coordinate", name) for name in sorted(coordinates)]):
        rows = await transaction.fetch(
            f"SELECT DISTINCT operation FROM uses WHERE coordinate IN ({places(len(some), 2)}) "
            "AND (in_variables = 0 OR last_seen >= $1)",
            (since, *some),
        )
        found.update(row[0] for row in rows)
    return found


async def _described(
    transaction: SqlTransaction, chosen: _Filter, window: UsageWindow, counts: Mapping[int, Counts]
) -> list[OperationUsage]:
    clients = await _clients(transaction)
    known = await _operations(transaction, counts)
    in_variables = await _in_variables(transaction, window, counts)
    senders: dict[int, list[ClientUsage]] = {}
    first = len(chosen.parameters) + 1
    for some in in_parts(list(counts)):
        rows = await transaction.fetch(
            f"SELECT operation, client, sum(requests) FROM {chosen.table} WHERE {chosen.condition} "
            f"AND operation IN ({places(len(some), first)}) GROUP BY operation, client ORDER BY sum(requests) DESC",
            (*chosen.parameters, *some),
        )
        for operation, client, requests in rows:
            usage = ClientUsage(clients[_integer(client)], _integer(requests))
            senders.setdefault(_integer(operation), []).append(usage)
    since = max(int(window.since), 1)
    return [
        OperationUsage(
            operation=known[each][0],
            counts=counted,
            clients=tuple(senders.get(each, ())),
            last_seen=known[each][1],
            in_variables=None if known[each][2] >= since else frozenset(in_variables.get(each, ())),
        )
        for each, counted in counts.items()
        if each in known
    ]


async def _counts_of(transaction: SqlTransaction, chosen: _Filter, ids: Sequence[int]) -> dict[int, Counts]:
    """Return the counts of operations, in the order of `ids`."""
    counts = dict.fromkeys(ids, Counts())
    for some in in_parts(list(ids)):
        rows = await transaction.fetch(
            f"SELECT operation, {_SUMS} FROM {chosen.table} WHERE {chosen.condition} "
            f"AND operation IN ({places(len(some), len(chosen.parameters) + 1)}) GROUP BY operation",
            (*chosen.parameters, *some),
        )
        counts.update({_integer(row[0]): _counts(row[1:]) for row in rows})
    return counts


async def _operations(transaction: SqlTransaction, ids: Iterable[int]) -> dict[int, tuple[RecordedOperation, int, int]]:
    found = {}
    for some in in_parts(list(ids)):
        rows = await transaction.fetch(
            "SELECT id, name, kind, document, last_seen, unknown_variables FROM operations "
            f"WHERE id IN ({places(len(some))})",
            tuple(some),
        )
        for number, name, kind, text, last_seen, unknown in rows:
            operation = RecordedOperation(_integer(number), str(name), str(kind), str(text))
            found[operation.id] = (operation, _integer(last_seen), _integer(unknown))
    return found


async def _in_variables(transaction: SqlTransaction, window: UsageWindow, ids: Iterable[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for some in in_parts(list(ids)):
        rows = await transaction.fetch(
            "SELECT uses.operation, coordinates.name FROM uses JOIN coordinates ON coordinates.id = uses.coordinate "
            f"WHERE uses.in_variables = 1 AND uses.last_seen >= $1 AND uses.operation IN ({places(len(some), 2)})",
            (int(window.since), *some),
        )
        for operation, name in rows:
            found.setdefault(_integer(operation), set()).add(str(name))
    return found


async def _clients(transaction: SqlTransaction) -> dict[int, Client]:
    rows = await transaction.fetch("SELECT id, name, version FROM clients")
    return {_integer(number): Client(str(name), str(version)) for number, name, version in rows}


def _counts(row: Sequence[SqlValue]) -> Counts:
    requests, errors, seconds, *buckets = row
    return Counts(_integer(requests), _integer(errors), float(seconds or 0.0), [_integer(each) for each in buckets])


def _integer(value: SqlValue) -> int:
    # The sum of integers is a decimal number in PostgreSQL, and null without rows.
    return int(value or 0)
