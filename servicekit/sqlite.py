"""The embedded store: one SQLite file, numbered migrations, one writer at a time.

With write-ahead logging, readers continue while a writer commits. With `synchronous=FULL`, a commit survives a power
cut. So a client that has received its response can rely on the change. Several processes may open one file, for example
a service and a command of an operator. A writer waits up to `BUSY_SECONDS` for another writer.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import aiosqlite
import structlog

from servicekit.errors import StartupError, StoreFailure
from servicekit.health import NotReady
from servicekit.private_files import make_private_folder
from servicekit.sqlite_failures import DamagedPages, explain, is_damage, is_failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
    from pathlib import Path

# How long a writer waits for another process. The time is longer than a migration by another process takes, and shorter
# than the timeouts of clients.
BUSY_SECONDS = 5.0
# If the disk has less free space than this, the health check of the store fails. The write-ahead log grows to 4 MB
# (SQLite's default) before its pages are copied to the file. The file may then need another 4 MB.
LEAST_FREE_BYTES = 8 * 1024 * 1024
# The health check makes no test write if a write has succeeded within this time.
PROBE_SECONDS = 1.0
# When a file is opened, the search for damaged pages may take this long. In this time, about 1 GB is checked.
CHECK_SECONDS = 1.0
# SQLite calls back after this number of instructions of its virtual machine, so that the elapsed time can be checked.
_CHECK_INTERVAL = 10_000
_RETRY_SECONDS = 0.02
_INTERRUPT_SECONDS = 0.05
# How many rows are fetched from the connection's thread in one step. Most queries return fewer rows.
_ROWS_PER_FETCH = 64

_log = structlog.stdlib.get_logger("sqlite")


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of a database schema, with its number.

    A released migration is never edited. Each further change of the schema is a new migration with the next number.
    """

    number: int
    name: str
    statements: tuple[str, ...]


class Database:
    """Two connections to one file: a writer, whose transactions run one after the other, and a reader that never waits.

    A file that is locked, full, damaged or missing is reported as `StoreFailure`, so that clients try again.
    """

    def __init__(self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._write_lock = asyncio.Lock()
        self._read_lock = asyncio.Lock()
        # Once damage is found, it is remembered: nothing repairs it while the process runs, and later queries may
        # succeed because they do not touch the damaged pages.
        self._damage: str | None = None
        self._written_at = float("-inf")
        self._busy_milliseconds: int | None = None

    @classmethod
    async def open(cls, path: Path, migrations: Sequence[Migration]) -> Self:
        """Open `path` and apply the migrations that it lacks. Missing folders are created, private to the user.

        Raises:
            StartupError: the file cannot be opened, is locked or damaged, or was written by a newer release.
        """
        try:
            writer = await _connect(path)
            try:
                await _migrate(writer, path, migrations)
                reader = await _open_reader(path)
            except BaseException:
                await writer.close()
                raise
        except OSError as error:
            raise StartupError(f"cannot open the database {path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StartupError(explain(path, error)) from error
        return cls(path, writer, reader)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """Run the block in a write transaction.

        At the end of the block, the transaction is committed. If the block raises or is cancelled, it is rolled back.

        Raises:
            StoreFailure: the file cannot be written, or other transactions have kept it locked for `BUSY_SECONDS`.
        """
        with self._failures():
            remaining = await self._take_turn()
            try:
                try:
                    await self._begin(remaining)
                    yield self._writer
                except BaseException:
                    # Statements run in order on the connection's thread. If the caller is cancelled during BEGIN, the
                    # rollback still runs after BEGIN.
                    await _finish(self._writer.rollback())
                    raise
                await _finish(self._commit())
                self._written_at = time.monotonic()
            finally:
                self._write_lock.release()

    async def _take_turn(self) -> float:
        """Wait until no other transaction of this process is running.

        Return the rest of `BUSY_SECONDS`, during which the transaction may still wait for other processes.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(BUSY_SECONDS):
                await self._write_lock.acquire()
        except TimeoutError:
            raise StoreFailure(f"transactions wait too long for the database {self._path}") from None
        return BUSY_SECONDS - (time.monotonic() - started)

    async def _begin(self, seconds: float) -> None:
        """Begin a transaction. If another process has locked the file, wait for about `seconds` at most."""
        # The wait is rounded to whole seconds, so that the PRAGMA is rarely executed.
        wait = round(seconds) * 1000 if seconds >= 1 else max(0, round(seconds * 1000))
        if wait != self._busy_milliseconds:
            await self._writer.execute(f"PRAGMA busy_timeout = {wait}")
            self._busy_milliseconds = wait
        await self._writer.execute("BEGIN IMMEDIATE")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if not is_failure(error):
                raise
            explanation = explain(self._path, error)
            self._written_at = float("-inf")
            if is_damage(error):
                self._damage = explanation
            _log.warning("store unavailable", explanation=explanation)
            raise StoreFailure(explanation) from error

    async def _commit(self) -> None:
        try:
            await self._writer.commit()
        except sqlite3.Error:
            # If the commit fails (the disk is full, or a deferred constraint is violated), SQLite leaves the
            # transaction open.
            await self._writer.rollback()
            raise

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[aiosqlite.Connection]:
        """Run the block in a read transaction, in which every statement sees the same state.

        If the caller is cancelled while a statement runs, the statement is interrupted. Otherwise the next reader would
        wait for it.

        Raises:
            StoreFailure: the file cannot be read.
        """
        with self._failures():
            async with self._read_lock:
                try:
                    await self._reader.execute("BEGIN")
                    yield self._reader
                except asyncio.CancelledError:
                    await _finish(self._interrupt_and_roll_back())
                    raise
                except BaseException:
                    await _finish(self._reader.rollback())
                    raise
                await _finish(self._reader.rollback())

    async def _interrupt_and_roll_back(self) -> None:
        rollback = asyncio.ensure_future(self._reader.rollback())
        while not rollback.done():
            # If the statement has not begun yet, SQLite ignores the interruption. So the interruption is repeated until
            # the rollback is done.
            await self._reader.interrupt()
            await asyncio.wait({rollback}, timeout=_INTERRUPT_SECONDS)
        try:
            rollback.result()
            async with self._reader.execute("SELECT 1") as cursor:
                await cursor.fetchone()
        except sqlite3.OperationalError:
            # The interrupted statement is not finished. Until it is finished, SQLite also interrupts all later
            # statements of the connection. So the connection is replaced.
            interrupted = self._reader
            self._reader = await _open_reader(self._path)
            await interrupted.close()

    async def ping(self) -> None:
        """Check that the file can be read and written.

        If a transaction has succeeded within the last `PROBE_SECONDS`, the file can be written. Otherwise, a test write
        is made.

        Raises:
            NotReady: the check failed. The message names the file and the fault, and says what to do.
        """
        if self._damage is not None:
            raise NotReady(self._damage)
        free = shutil.disk_usage(self._path.parent).free
        if free < LEAST_FREE_BYTES:
            raise NotReady(f"the disk of the database {self._path} is full; {free} bytes are free")
        try:
            async with (
                self.snapshot() as connection,
                connection.execute("SELECT count(*) FROM sqlite_schema") as cursor,
            ):
                await cursor.fetchone()
            if time.monotonic() - self._written_at >= PROBE_SECONDS:
                await self._write_nothing_new()
        except StoreFailure as failure:
            raise NotReady(failure.explanation) from failure

    async def _write_nothing_new(self) -> None:
        """Make a test write that changes nothing: write the number of the schema version again."""
        async with self.transaction() as connection:
            async with connection.execute("PRAGMA user_version") as cursor:
                row = await cursor.fetchone()
            await connection.execute(f"PRAGMA user_version = {row[0] if row else 0}")

    async def close(self) -> None:
        await self._reader.close()
        await self._writer.close()


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection in write-ahead mode without implicit transactions.

    If the file does not exist, it is created, and only the user of this process can read it.

    Raises:
        OSError: the file cannot be created.
        sqlite3.Error: the file cannot be opened, or is not a database.
    """
    make_private_folder(path.parent)
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
    """Switch the file to write-ahead logging.

    SQLite's busy timeout does not apply to this statement. If several processes switch a new file at the same time,
    SQLite immediately reports an error to some of them. Such a process tries again.
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
    # If the file cannot be opened, the error is raised here, before aiosqlite starts a thread. If aiosqlite failed to
    # open the file, it would not wait for its thread, and the thread could outlive the event loop.
    await asyncio.to_thread(_check_pages, path)
    return await aiosqlite.Connection(lambda: connect(path), iter_chunk_size=_ROWS_PER_FETCH)


async def _open_reader(path: Path) -> aiosqlite.Connection:
    # `Database.open` has opened the writer first, so the file exists and its pages have been checked.
    reader = await aiosqlite.Connection(lambda: connect(path), iter_chunk_size=_ROWS_PER_FETCH)
    await reader.execute("PRAGMA query_only = ON")
    return reader


def _check_pages(path: Path) -> None:
    """Look for damaged pages, for at most `CHECK_SECONDS`. In a large file, not all pages are checked.

    Raises:
        sqlite3.DatabaseError: a page is damaged.
    """
    with closing(connect(path)) as connection:
        end = time.monotonic() + CHECK_SECONDS
        connection.set_progress_handler(lambda: time.monotonic() > end, _CHECK_INTERVAL)
        try:
            found = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            return
        if found != ["ok"]:
            raise DamagedPages(found[0].splitlines()[-1])


async def _finish(work: Coroutine[None, None, None]) -> None:
    """Await `work` until it is complete, even if the caller is cancelled. After that, raise the cancellation.

    All callers share the connection. If `work` were cancelled before its end, the connection could still be inside a
    transaction when the next caller uses it.
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
            raise StartupError(f"{path} has schema version {version}; this release supports versions up to {newest}")

        for migration in migrations[version:]:
            for statement in migration.statements:
                await connection.execute(statement)
        await connection.execute(f"PRAGMA user_version = {newest}")
        await connection.commit()
    except BaseException:
        await connection.rollback()
        raise
