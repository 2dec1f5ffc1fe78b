"""The usage store in an SQLite file, which several processes of one machine can share."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from router.usage.tables import FIRST_STEP
from servicekit.sqlite import Database, Migration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    import aiosqlite

    from router.usage.sql_connection import Row

_MIGRATIONS: Final = (Migration(1, "first", FIRST_STEP),)


class SqliteConnection:
    """An `SqlConnection` to an SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, path: Path) -> SqliteConnection:
        """Open or create the file.

        Raises:
            StartupError: The file cannot be used. The message has the file, the reason and what to do.
        """
        return cls(await Database.open(path, _MIGRATIONS))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[_SqliteTransaction]:
        """Return a write transaction (`SqlConnection.transaction`)."""
        async with self._database.transaction() as connection:
            yield _SqliteTransaction(connection)

    async def close(self) -> None:
        """Close the file."""
        await self._database.close()


class _SqliteTransaction:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def execute(self, statement: str, rows: Sequence[Row] = ((),)) -> None:
        await self._connection.executemany(_numbered(statement), rows)

    async def fetch(self, statement: str, parameters: Row = ()) -> Sequence[Row]:
        rows = await self._connection.execute_fetchall(_numbered(statement), parameters)
        return [tuple(row) for row in rows]


def _numbered(statement: str) -> str:
    """Return a statement with parameters as SQLite numbers them. Our statements have no other `$`."""
    return statement.replace("$", "?")
