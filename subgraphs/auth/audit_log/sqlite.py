"""The audit log in the SQLite file of the auth service."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.audit_log.entry import Actor, Entry, NewEntry, StoredEntry, Subject, parse_details
from subgraphs.auth.audit_log.protocol import OpenOperation
from subgraphs.auth.audit_log.queries import can_match, conditions
from subgraphs.kit.hash_chain import Link
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from servicekit.sqlite import Database
    from servicekit.sqlite_statements import Statements
    from subgraphs.auth.audit_log.protocol import AuditFilter
    from subgraphs.auth.audit_log.queries import Condition
    from subgraphs.kit.pages import PageRequest

_COLUMNS: Final = "position, hash, at, actor_kind, actor_id, action, subject_kind, subject_id, outcome, origin, details"

# The open operations with their entries.
_OPEN: Final = "FROM audit_operations AS o JOIN audit_log AS l USING (position)"


async def append_entry(connection: Statements, new: NewEntry | None) -> None:
    """Append an entry in the current transaction of `connection`. None appends nothing."""
    if new is not None:
        await _append(connection, new)


async def _append(connection: Statements, new: NewEntry) -> Link:
    """Append an entry, and return its link."""
    rows = await connection.execute_fetchall("SELECT position, hash FROM audit_log ORDER BY position DESC LIMIT 1")
    link = new.after(next((Link(row["position"], row["hash"]) for row in rows), Link()))
    entry = new.entry
    await connection.execute(
        f"INSERT INTO audit_log ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
        (
            link.position,
            link.hash,
            to_milliseconds(entry.at),
            entry.actor.kind,
            entry.actor.id,
            entry.action,
            entry.subject.kind,
            entry.subject.id,
            entry.outcome,
            entry.origin,
            json.dumps(dict(entry.details)),
        ),
    )
    return link


class SqliteAuditLog:
    """The `AuditLogStore` in one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep_key(self, key_id: str) -> str:
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall("SELECT id FROM audit_key")
            if rows:
                return str(rows[0]["id"])
            await connection.execute("INSERT INTO audit_key VALUES (?)", (key_id,))
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
        query = f"SELECT {_COLUMNS} FROM audit_log{where} ORDER BY position {order} LIMIT ?"  # noqa: S608 - constants
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, (*values, page.limit + 1))
        return [_stored(row) for row in rows]

    async def count(self, wanted: AuditFilter) -> int:
        found = conditions(wanted)
        if not can_match(found):
            return 0
        where, values = _where(found)
        async with self._database.snapshot() as connection:
            query = f"SELECT count(*) AS total FROM audit_log{where}"  # noqa: S608 - constants
            ((total,),) = await connection.execute_fetchall(query, values)
        return int(total)

    async def entries_after(self, position: int, limit: int) -> Sequence[StoredEntry]:
        query = f"SELECT {_COLUMNS} FROM audit_log WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608 - a constant
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, (position, limit))
        return [_stored(row) for row in rows]

    async def begin(self, operation: OpenOperation, entry: NewEntry) -> None:
        async with self._database.transaction() as connection:
            query = "SELECT 1 FROM audit_operations WHERE id = ?"
            if await connection.execute_fetchall(query, (operation.id,)):
                return
            position = (await _append(connection, entry)).position
            await connection.execute(
                "INSERT INTO audit_operations (id, service, position, resume) VALUES (?, ?, ?, ?)",
                (operation.id, operation.service, position, operation.resume),
            )

    async def settle(self, operation_id: str, service: str, outcome: Callable[[Entry], NewEntry]) -> bool:
        async with self._database.transaction() as connection:
            query = f"SELECT {_COLUMNS} {_OPEN} WHERE o.id = ? AND o.service = ?"
            rows = [*await connection.execute_fetchall(query, (operation_id, service))]
            if rows:
                await connection.execute("DELETE FROM audit_operations WHERE id = ?", (operation_id,))
                await _append(connection, outcome(_stored(rows[0]).entry))
        return bool(rows)

    async def open_operations(self, service: str, before: datetime, limit: int) -> Sequence[OpenOperation]:
        query = f"SELECT o.id, o.resume, {_COLUMNS} {_OPEN} WHERE o.service = ? AND l.at < ? ORDER BY position LIMIT ?"
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, (service, to_milliseconds(before), limit))
        return [OpenOperation(row["id"], service, row["resume"], _stored(row).entry) for row in rows]


def _where(wanted: Iterable[Condition]) -> tuple[str, list[object]]:
    """Return the WHERE clause of the conditions, and its values."""
    wanted = list(wanted)
    texts = [f"{condition.column} {condition.operator} ?" for condition in wanted]
    values = [_value(condition.value) for condition in wanted]
    return (f" WHERE {' AND '.join(texts)}" if texts else ""), values


def _value(value: object) -> object:
    return to_milliseconds(value) if isinstance(value, datetime) else value


def _stored(row: Any) -> StoredEntry:
    entry = Entry(
        from_milliseconds(row["at"]),
        Actor(row["actor_kind"], row["actor_id"]),
        row["action"],
        Subject(row["subject_kind"], row["subject_id"]),
        row["outcome"],
        row["origin"],
        parse_details(row["details"]),
    )
    return StoredEntry(Link(row["position"], row["hash"]), entry)
