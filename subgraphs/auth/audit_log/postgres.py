"""The audit log in the PostgreSQL database of the auth service.

An appending transaction holds a lock until it ends. So a transaction appends its entry after all other statements.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.audit_log.entry import Actor, Entry, NewEntry, StoredEntry, Subject, parse_details
from subgraphs.auth.audit_log.protocol import OpenOperation
from subgraphs.auth.audit_log.queries import can_match, conditions
from subgraphs.kit.hash_chain import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy

    from subgraphs.auth.audit_log.protocol import AuditFilter
    from subgraphs.auth.audit_log.queries import Condition
    from subgraphs.kit.pages import PageRequest
    from subgraphs.kit.postgres import PostgresDatabase

_COLUMNS: Final = "position, hash, at, actor_kind, actor_id, action, subject_kind, subject_id, outcome, origin, details"
# The number of the lock that a transaction holds from the append of its entry to its end.
_LOCK: Final = 4_071_733_908_515_244_663


async def append_entry(connection: PoolConnectionProxy, new: NewEntry | None) -> None:
    """Append an entry in the current transaction of `connection`, as its last statement. None appends nothing."""
    if new is not None:
        await _append(connection, new)


async def _lock(connection: PoolConnectionProxy) -> None:
    """Wait for the other transactions that append entries. The lock ends with the current transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def _append(connection: PoolConnectionProxy, new: NewEntry) -> Link:
    """Append an entry, and return its link."""
    await _lock(connection)
    row = await connection.fetchrow("SELECT position, hash FROM audit_log ORDER BY position DESC LIMIT 1")
    link = new.after(Link() if row is None else Link(row["position"], row["hash"]))
    entry = new.entry
    await connection.execute(
        f"INSERT INTO audit_log ({_COLUMNS})"  # noqa: S608 - a constant
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        link.position,
        link.hash,
        entry.at,
        entry.actor.kind,
        entry.actor.id,
        entry.action,
        entry.subject.kind,
        entry.subject.id,
        entry.outcome,
        entry.origin,
        json.dumps(dict(entry.details)),
    )
    return link


class PostgresAuditLog:
    """The `AuditLogStore` in a PostgreSQL database."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def keep_key(self, key_id: str) -> str:
        async with self._database.transaction() as connection:
            await connection.execute("LOCK TABLE audit_key IN EXCLUSIVE MODE")
            known = await connection.fetchval("SELECT id FROM audit_key")
            if known is not None:
                return str(known)
            await connection.execute("INSERT INTO audit_key VALUES ($1)", key_id)
        return key_id

    async def append(self, entry: NewEntry) -> None:
        async with self._database.transaction() as connection:
            await append_entry(connection, entry)

    async def page(self, wanted: AuditFilter, page: PageRequest) -> list[StoredEntry]:
        found = conditions(wanted, page)
        if not can_match(found):
            return []
        where, values = _where(found)
        order = "ASC" if page.backwards else "DESC"
        query = f"SELECT {_COLUMNS} FROM audit_log{where} ORDER BY position {order} LIMIT {page.limit + 1}"  # noqa: S608 - constants
        async with self._database.connection() as connection:
            return [_stored(row) for row in await connection.fetch(query, *values)]

    async def count(self, wanted: AuditFilter) -> int:
        found = conditions(wanted)
        if not can_match(found):
            return 0
        where, values = _where(found)
        async with self._database.connection() as connection:
            return int(await connection.fetchval(f"SELECT count(*) FROM audit_log{where}", *values))  # noqa: S608 - constants

    async def entries_after(self, position: int, limit: int) -> Sequence[StoredEntry]:
        query = f"SELECT {_COLUMNS} FROM audit_log WHERE position > $1 ORDER BY position LIMIT $2"  # noqa: S608 - a constant
        async with self._database.connection() as connection:
            return [_stored(row) for row in await connection.fetch(query, position, limit)]

    async def begin(self, operation: OpenOperation, entry: NewEntry) -> None:
        async with self._database.transaction() as connection:
            # With the lock, nobody else begins an operation with this id in the meantime.
            await _lock(connection)
            if await connection.fetchval("SELECT 1 FROM audit_operations WHERE id = $1", operation.id):
                return
            position = (await _append(connection, entry)).position
            await connection.execute(
                "INSERT INTO audit_operations (id, service, position, resume) VALUES ($1, $2, $3, $4)",
                operation.id,
                operation.service,
                position,
                operation.resume,
            )

    async def settle(self, operation_id: str, service: str, outcome: Callable[[Entry], NewEntry]) -> bool:
        async with self._database.transaction() as connection:
            query = "DELETE FROM audit_operations WHERE id = $1 AND service = $2 RETURNING position"
            position = await connection.fetchval(query, operation_id, service)
            if position is None:
                return False
            row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM audit_log WHERE position = $1", position)  # noqa: S608 - a constant
            if row is None:
                raise RuntimeError(f"the audit log has lost the entry {position}")
            await append_entry(connection, outcome(_stored(row).entry))
        return True

    async def open_operations(self, service: str, before: datetime, limit: int) -> Sequence[OpenOperation]:
        query = (
            f"SELECT o.id, o.resume, {_COLUMNS} FROM audit_operations AS o JOIN audit_log USING (position)"  # noqa: S608 - a constant
            " WHERE o.service = $1 AND at < $2 ORDER BY position LIMIT $3"
        )
        async with self._database.connection() as connection:
            rows = await connection.fetch(query, service, before, limit)
        return [OpenOperation(row["id"], service, row["resume"], _stored(row).entry) for row in rows]


def _where(wanted: Iterable[Condition]) -> tuple[str, list[object]]:
    """Return the WHERE clause of the conditions, and its values."""
    wanted = list(wanted)
    texts = [f"{condition.column} {condition.operator} ${number}" for number, condition in enumerate(wanted, 1)]
    return (f" WHERE {' AND '.join(texts)}" if texts else ""), [condition.value for condition in wanted]


def _stored(row: Mapping[str, Any]) -> StoredEntry:
    entry = Entry(
        row["at"],
        Actor(row["actor_kind"], row["actor_id"]),
        row["action"],
        Subject(row["subject_kind"], row["subject_id"]),
        row["outcome"],
        row["origin"],
        parse_details(row["details"]),
    )
    return StoredEntry(Link(row["position"], row["hash"]), entry)
