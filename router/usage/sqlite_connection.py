"""The usage store in an SQLite file, which several processes of one machine can share."""

# ruff: noqa: S608  (statements contain only our own names and placeholders)

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Final

from router.usage.database_tables import FIRST_STEP
from servicekit.errors import StartupError
from servicekit.sqlite import Database, Migration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from router.usage.sql_connection import Row
    from servicekit.sqlite_statements import Statements

# Finding a row by an index takes this many times as long as reading a row of the whole table.
_LOOK_UP_COST: Final = 3
_MIGRATIONS: Final = (Migration(1, "first", FIRST_STEP),)


class SqliteConnection:
    """An `SqlConnection` to an SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, path: Path, *, for_reading: bool = False) -> SqliteConnection:
        """Open or create the file. If it is opened only for reading, damage is found when a query meets it.

        Raises:
            StartupError: The file cannot be used, or is another database. The message has the file, the reason and what
                to do.
        """
        await asyncio.to_thread(_refuse_another_database, path)
        return cls(await Database.open(path, _MIGRATIONS, checks_pages=not for_reading))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[_SqliteTransaction]:
        """Return a write transaction (`SqlConnection.transaction`)."""
        async with self._database.transaction() as connection:
            yield _SqliteTransaction(connection)

    async def close(self) -> None:
        """Close the file."""
        await self._database.close()


class _SqliteTransaction:
    def __init__(self, connection: Statements) -> None:
        self._connection = connection

    async def execute(self, statement: str, rows: Sequence[Row] = ((),)) -> None:
        await self._connection.executemany(_numbered(statement), rows)

    async def fetch(self, statement: str, parameters: Row = ()) -> Sequence[Row]:
        rows = await self._connection.execute_fetchall(_numbered(statement), parameters)
        return [tuple(row) for row in rows]

    async def whole_rows(self, table: str, condition: str, parameters: Row) -> str:
        # SQLite would find the rows by an index, whatever their number. Both counts need no rows of the table.
        ((chosen,),) = await self.fetch(f"SELECT count(*) FROM {table} WHERE {condition}", parameters)
        ((every,),) = await self.fetch(f"SELECT count(*) FROM {table}")
        return f"{table} NOT INDEXED" if int(chosen or 0) * _LOOK_UP_COST > int(every or 0) else table


def _refuse_another_database(path: Path) -> None:
    """Raise StartupError if the file is a database with other tables, so that no table is added to it by mistake."""
    if not path.is_file() or not path.stat().st_size:
        return
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    except sqlite3.DatabaseError:
        return  # `Database.open` says what is wrong with the file
    if tables and not tables >= {"operations", "uses", "coordinates"}:
        raise StartupError(f"{path} is another database, and no usage store; name the file that the router writes")


def _numbered(statement: str) -> str:
    """Return a statement with SQLite's form of parameters. Our statements have no other `$`."""
    return statement.replace("$", "?")
