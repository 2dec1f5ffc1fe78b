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
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeVar

import structlog

from servicekit.errors import StartupError, StoreFailure
from servicekit.health import NotReady
from servicekit.private_files import make_private_folder
from servicekit.sqlite_checkpoints import MAX_LOG_PAGES, Checkpoints
from servicekit.sqlite_failures import StoreLocked, explain, is_damage, is_failure, is_lock
from servicekit.sqlite_groups import SqliteGroups
from servicekit.sqlite_page_check import check_pages
from servicekit.sqlite_reader import SqliteLookups, SqliteReader
from servicekit.sqlite_writer import SqliteWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
    from pathlib import Path

    from servicekit.sqlite_statements import Statements
    from servicekit.sqlite_writer import CommitReport

T = TypeVar("T")

# How long a writer waits for another process. The time is longer than a migration by another process takes, and shorter
# than the timeouts of clients.
BUSY_SECONDS = 5.0
# If the disk has less free space than this, the health check of the store fails. The write-ahead log may grow to 16 MB
# (`MAX_LOG_PAGES`) before its pages are copied to the file. The file may then need another 16 MB.
MIN_FREE_BYTES = 32 * 1024 * 1024
# The health check makes no test write if a write has succeeded within this time.
PROBE_SECONDS = 1.0
# When a file is opened, the search for damaged pages may take this long. In this time, about 1 GB is checked.
CHECK_SECONDS = 1.0
_RETRY_SECONDS = 0.02

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
    """Four connections to one file.

    The writer's transactions run one after the other. The reader and the connection for short queries never wait for
    the writer. The fourth connection copies the write-ahead log (`servicekit.sqlite_checkpoints`).

    Transactions that wait for each other are committed together (`servicekit.sqlite_writer`).

    A file that is locked, full, damaged or missing is reported as `StoreFailure`, so that clients try again.
    """

    def __init__(
        self,
        path: Path,
        writer: SqliteWriter,
        reader: SqliteReader,
        lookups: sqlite3.Connection,
        checkpoints: Checkpoints,
    ) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._checkpoints = checkpoints
        self._groups = SqliteGroups(
            lambda seconds: self.transaction(is_short=True, is_counted=True, seconds=seconds), lambda: BUSY_SECONDS
        )
        self.lookups: Final = SqliteLookups(lookups, self._raise_failure)
        # Once damage is found, it is remembered: nothing repairs it while the process runs, and later queries may
        # succeed because they do not touch the damaged pages.
        self._damage: str | None = None

    @classmethod
    async def open(cls, path: Path, migrations: Sequence[Migration], *, checks_pages: bool = True) -> Self:
        """Open `path` and apply the migrations that it lacks. Missing folders are created, private to the user.

        Args:
            path: the file.
            migrations: all migrations, by ascending number.
            checks_pages: whether to look for damaged pages first, which takes up to `CHECK_SECONDS`. Without it, a
                damaged page is found when a query reads it.

        Raises:
            StartupError: the file cannot be opened, is locked or damaged, or was written by a newer release.
        """
        try:
            connection = await asyncio.to_thread(_open_writer, path, migrations, checks_pages=checks_pages)
            with ExitStack() as undone:
                undone.callback(connection.close)
                lookups = _open_reader(path)
                undone.callback(lookups.close)
                copying = connect(path, several_threads=True)
                undone.callback(copying.close)
                reader = SqliteReader(path, lambda: _open_reader(path))
                undone.pop_all()
        except OSError as error:
            raise StartupError(f"cannot open the database {path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StartupError(explain(path, error)) from error
        checkpoints = Checkpoints(path, copying)
        writer = SqliteWriter(path, connection, lambda: BUSY_SECONDS, after_commit=checkpoints.count_commit)
        return cls(path, writer, reader, lookups, checkpoints)

    def report_commits(self, report: CommitReport | None) -> None:
        """Report each commit of a transaction that is counted."""
        self._writer.commit_report = report

    @asynccontextmanager
    async def transaction(
        self, *, is_short: bool = False, is_counted: bool = False, seconds: float | None = None
    ) -> AsyncIterator[Statements]:
        """Run the block in a write transaction.

        At the end of the block, the transaction is committed, possibly together with others. If the block raises or is
        cancelled, it is rolled back, and the others are not.

        Args:
            is_short: whether each statement reads and writes only a few rows, found by an index. Such statements are
                executed on the event loop, others in a thread.
            is_counted: whether the commit is reported to `report_commits`.
            seconds: how long the transaction may wait for others; None for `BUSY_SECONDS`.

        Raises:
            StoreLocked: other transactions have kept the file locked for this time.
            StoreFailure: the file cannot be written.
        """
        try:
            async with self._writer.transaction(
                is_short=is_short, is_counted=is_counted, seconds=seconds
            ) as statements:
                yield statements
        except sqlite3.DatabaseError as error:
            self._raise_failure(error)

    async def run_counted(self, work: Callable[[Statements], Coroutine[Any, Any, T]]) -> T:
        """Run `work` in a short, counted transaction (see `transaction`), which it may share with other works.

        This costs less than `transaction`. For what `work` may do, and for the errors, see `SqliteGroups.run`.
        """
        return await self._groups.run(work)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            self._raise_failure(error)

    def _raise_failure(self, error: sqlite3.DatabaseError) -> NoReturn:
        """Raise `StoreFailure` if the file has failed. Raise `error` itself if it is a bug of this program."""
        if not is_failure(error):
            raise error
        explanation = explain(self._path, error)
        self._writer.written_at = float("-inf")
        if is_damage(error):
            self._damage = explanation
        _log.warning("store unavailable", explanation=explanation)
        raise (StoreLocked if is_lock(error) else StoreFailure)(explanation) from error

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Statements]:
        """Run the block in a read transaction, in which every statement sees the same state.

        If the caller is cancelled while a statement runs, the statement is interrupted. Otherwise the next reader would
        wait for it.

        Raises:
            StoreFailure: the file cannot be read.
        """
        with self._failures():
            async with self._reader.snapshot() as statements:
                yield statements

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
        if free < MIN_FREE_BYTES:
            raise NotReady(f"the disk of the database {self._path} is full; {free} bytes are free")
        try:
            async with self.snapshot() as connection:
                await connection.execute_fetchall("SELECT count(*) FROM sqlite_schema")
            if time.monotonic() - self._writer.written_at >= PROBE_SECONDS:
                await self._write_nothing_new()
        except StoreFailure as failure:
            raise NotReady(failure.explanation) from failure

    async def _write_nothing_new(self) -> None:
        """Make a test write that changes nothing: write the number of the schema version again."""
        async with self.transaction() as connection:
            ((version,),) = await connection.execute_fetchall("PRAGMA user_version")
            await connection.execute(f"PRAGMA user_version = {version}")

    async def close(self) -> None:
        self.lookups.close()
        await self._reader.close()
        await self._checkpoints.close()
        await self._writer.close()


def connect(path: Path, *, several_threads: bool = False) -> sqlite3.Connection:
    """Open a connection in write-ahead mode without implicit transactions.

    With `several_threads`, any thread may use the connection, but not two threads at the same time.

    If the file does not exist, it is created, and only the user of this process can read it.

    Raises:
        OSError: the file cannot be created.
        sqlite3.Error: the file cannot be opened, or is not a database.
    """
    make_private_folder(path.parent)
    path.touch(mode=0o600)
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=not several_threads
    )
    try:
        _enter_write_ahead_mode(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # A savepoint keeps the old content of each page that is written after it. By default, this takes a temporary
        # file as soon as there are more than 16 pages, and several system calls for each further page.
        connection.execute("PRAGMA temp_store = MEMORY")
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


def _open_writer(path: Path, migrations: Sequence[Migration], *, checks_pages: bool) -> sqlite3.Connection:
    if checks_pages:
        with closing(connect(path)) as checked:
            check_pages(checked, CHECK_SECONDS)
    connection = connect(path, several_threads=True)
    try:
        _migrate(connection, path, migrations)
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute(f"PRAGMA wal_autocheckpoint = {MAX_LOG_PAGES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _open_reader(path: Path) -> sqlite3.Connection:
    # The writer was opened first, so the file exists, and has been checked.
    connection = connect(path, several_threads=True)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        newest = migrations[-1].number if migrations else 0
        if version > newest:
            raise StartupError(f"{path} has schema version {version}; this release supports versions up to {newest}")
        for migration in migrations[version:]:
            for statement in migration.statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {newest}")
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
