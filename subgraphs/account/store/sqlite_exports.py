"""Statement exports in the SQLite file of the account service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgraphs.account.exports.export import (
    MAX_EXPORTS,
    ExportFailure,
    ExportFormat,
    ExportStatus,
    StatementExport,
    requested,
)
from subgraphs.account.statements import Period
from subgraphs.account.store.sqlite_statements import SqliteStatements
from subgraphs.kit.sqlite_store import append_events
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from subgraphs.account.exports.export import Result


class SqliteExports(SqliteStatements):
    """The `ExportStore` in the file of the service."""

    async def request_export(self, export: StatementExport, *, max_exports: int = MAX_EXPORTS) -> bool:
        live = "SELECT count(*) FROM statement_exports WHERE user_id = ? AND expires_at > ?"
        async with self._database.transaction() as connection:
            ((count,),) = await connection.execute_fetchall(
                live, (export.user_id, to_milliseconds(export.requested_at))
            )
            if count >= max_exports:
                return False
            await connection.execute(
                "INSERT INTO statement_exports VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _to_row(export)
            )
            await append_events(connection, [requested(export)])
        return True

    async def export(self, export_id: str) -> StatementExport | None:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall("SELECT * FROM statement_exports WHERE id = ?", (export_id,))
        return next((_from_row(row) for row in rows), None)

    async def exports_of(self, user_id: str, at: datetime) -> Sequence[StatementExport]:
        query = "SELECT * FROM statement_exports WHERE user_id = ? AND expires_at > ? ORDER BY expires_at DESC, id DESC"
        async with self._database.snapshot() as connection:
            return [_from_row(row) for row in await connection.execute_fetchall(query, (user_id, to_milliseconds(at)))]

    async def save_export_part(self, export_id: str, number: int, content: str) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT OR REPLACE INTO statement_export_parts SELECT id, ?, ? FROM statement_exports WHERE id = ?",
                (number, content, export_id),
            )

    async def export_part(self, export_id: str, number: int) -> str | None:
        query = "SELECT content FROM statement_export_parts WHERE export_id = ? AND number = ?"
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, (export_id, number))
        return next((row["content"] for row in rows), None)

    async def finish_export(self, export_id: str, result: Result) -> None:
        statement = (
            "UPDATE statement_exports SET status = ?, entries = ?, parts = ?, failure = ?"
            " WHERE id = ? AND status = 'PENDING'"
        )
        columns = (result.status, result.entries, result.parts, result.failure, export_id)
        async with self._database.transaction() as connection:
            await connection.execute(statement, columns)

    async def delete_exports(self, at: datetime, *, limit: int) -> int:
        statement = (
            "DELETE FROM statement_exports WHERE id IN"
            " (SELECT id FROM statement_exports WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
        )
        async with self._database.transaction() as connection:
            return await connection.execute(statement, (to_milliseconds(at), limit))


def _to_row(export: StatementExport) -> tuple[object, ...]:
    return (
        export.id,
        export.user_id,
        export.account_id,
        export.currency,
        export.format,
        to_milliseconds(export.period.begin),
        to_milliseconds(export.period.end),
        to_milliseconds(export.requested_at),
        to_milliseconds(export.expires_at),
        export.status,
        export.entries,
        export.parts,
        export.failure,
    )


def _from_row(row: sqlite3.Row) -> StatementExport:
    return StatementExport(
        id=row["id"],
        user_id=row["user_id"],
        account_id=row["account_id"],
        currency=row["currency"],
        format=ExportFormat(row["format"]),
        period=Period(from_milliseconds(row["period_begin"]), from_milliseconds(row["period_end"])),
        requested_at=from_milliseconds(row["requested_at"]),
        expires_at=from_milliseconds(row["expires_at"]),
        status=ExportStatus(row["status"]),
        entries=row["entries"],
        parts=row["parts"],
        failure=ExportFailure(row["failure"]) if row["failure"] else None,
    )
