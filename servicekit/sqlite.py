"""The embedded store: one SQLite file, numbered migrations, one writer at a time.

Write-ahead logging lets readers go on while a writer commits. `synchronous=FULL` makes a commit survive a power
cut, because a bank's answer is a promise. Several processes may open one file (the command line beside a running
service, say): a writer waits up to `BUSY_SECONDS` for the other.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import aiosqlite
import structlog

from servicekit.errors import StartupError, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
    from pathlib import Path

# Long enough for another process's migration, short enough to fail before a client's patience ends.
BUSY_SECONDS = 5.0
_RETRY_SECONDS = 0.02
# Rows that cross from the connection's thread at a time; most of our queries have fewer.
_ROWS_PER_FETCH = 64

_log = structlog.stdlib.get_logger("sqlite")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a schema. Released steps never change; a new need is a new step with the next number."""

    number: int
    name: str
    statements: tuple[str, ...]


class Database:
    """Two connections to one file: a writer, whose transactions queue up, and a reader that never waits for it."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._write_lock = asyncio.Lock()
        self._read_lock = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path, migrations: Sequence[Migration]) -> Self:
        """Open `path` (folders are made, private to the user), bring its schema up to date.

        Raises:
            StartupError: the file cannot be opened, or was written by a newer release.
        """
        try:
            writer = await _connect(path)
        except (OSError, sqlite3.Error) as error:
            raise StartupError(f"cannot open the database {path}: {error}") from error
        try:
            await _migrate(writer, path, migrations)
            reader = await _connect(path)
        except BaseException:
            await writer.close()
            raise
        await reader.execute("PRAGMA query_only = ON")
        return cls(writer, reader)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """A write transaction: committed at the end of the block, rolled back when it raises or is cancelled."""
        async with self._write_lock:
            try:
                await self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
            except BaseException:
                # Statements run in order on the connection's thread, so this undoes even a BEGIN whose caller was
                # cancelled.
                await _to_the_end(self._writer.rollback())
                raise
            await _to_the_end(self._commit())

    async def _commit(self) -> None:
        try:
            await self._writer.commit()
        except sqlite3.Error:
            # A refused commit (a full disk, a deferred constraint) leaves the transaction open.
            await self._writer.rollback()
            raise

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[aiosqlite.Connection]:
        """A read transaction: every statement of the block sees the same state."""
        async with self._read_lock:
            try:
                await self._reader.execute("BEGIN")
                yield self._reader
            finally:
                await _to_the_end(self._reader.rollback())

    async def ping(self) -> None:
        """Raise unless the file answers a query."""
        async with self.snapshot() as connection, connection.execute("SELECT 1") as cursor:
            await cursor.fetchone()

    async def close(self) -> None:
        await self._reader.close()
        await self._writer.close()


@asynccontextmanager
async def writing(database: Database) -> AsyncIterator[aiosqlite.Connection]:
    """`database.transaction()` for a store, whose callers know no SQLite.

    Raises:
        Unavailable: the file does not answer.
    """
    with _unavailable():
        async with database.transaction() as connection:
            yield connection


@asynccontextmanager
async def reading(database: Database) -> AsyncIterator[aiosqlite.Connection]:
    """`database.snapshot()` for a store; raises as `writing` does."""
    with _unavailable():
        async with database.snapshot() as connection:
            yield connection


@contextmanager
def _unavailable() -> Iterator[None]:
    """A file that is locked too long, full or gone is no bug of ours: say so, and let the caller try again."""
    try:
        yield
    except sqlite3.OperationalError as error:
        _log.warning("the store does not answer", reason=error.sqlite_errorname)
        raise Unavailable from error


def connect(path: Path) -> sqlite3.Connection:
    """A connection in write-ahead mode without implicit transactions; the file, if new, is private to the user.

    Raises:
        OSError, sqlite3.Error: the file cannot be made or opened, or is no database.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        _enter_write_ahead_mode(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    connection.row_factory = sqlite3.Row
    return connection


def _enter_write_ahead_mode(connection: sqlite3.Connection) -> None:
    """Make write-ahead logging the file's mode.

    Where several processes do that first, SQLite refuses some of them at once, without the patience it has for other
    locks.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


async def _connect(path: Path) -> aiosqlite.Connection:
    # aiosqlite gives up a connection that fails to open without waiting for its thread, which may then outlive the
    # event loop it answers to. A file that cannot be opened fails here, before there is such a thread.
    await asyncio.to_thread(lambda: connect(path).close())
    return await aiosqlite.Connection(lambda: connect(path), iter_chunk_size=_ROWS_PER_FETCH)


async def _to_the_end(work: Coroutine[None, None, None]) -> None:
    """Await `work` and, if cancelled meanwhile, finish it all the same; the cancellation is raised afterwards.

    Whoever gets the shared connection next must not find it inside a transaction.
    """
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except sqlite3.Error:
            break
    if cancelled is not None and task.exception() is None:
        raise cancelled
    task.result()


async def _migrate(connection: aiosqlite.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    await connection.execute("BEGIN IMMEDIATE")
    try:
        async with connection.execute("PRAGMA user_version") as cursor:
            row = await cursor.fetchone()
        version: int = row[0] if row else 0
        newest = migrations[-1].number if migrations else 0
        if version > newest:
            raise StartupError(f"{path} has schema version {version}; this release knows only {newest}")
        for migration in migrations[version:]:
            for statement in migration.statements:
                await connection.execute(statement)
        await connection.execute(f"PRAGMA user_version = {newest}")
        await connection.commit()
    except BaseException:
        await connection.rollback()
        raise
