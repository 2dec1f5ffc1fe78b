"""Reads of one SQLite file: transactions whose statements can be interrupted, and short queries on the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from servicekit.finish_despite_cancellation import to_the_end
from servicekit.sqlite_statements import CallThread, Statements, ThreadedStatements

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

_INTERRUPT_SECONDS: Final = 0.05


class SqliteReader:
    """The connection that reads. Its statements are executed in a thread, because a query may take long."""

    def __init__(self, path: Path, open_connection: Callable[[], sqlite3.Connection]) -> None:
        """`open_connection` opens a connection that cannot write.

        Raises:
            sqlite3.Error: as `open_connection`.
        """
        self._open_connection = open_connection
        self._connection = open_connection()
        self._thread = CallThread(f"reader of {path.name}")
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Statements]:
        """Run the block in a read transaction. See `servicekit.sqlite.Database.snapshot`. Raises sqlite3.Error."""
        async with self._turn:
            # BEGIN and ROLLBACK do not touch the file, so they are executed on the event loop.
            self._connection.execute("BEGIN")
            try:
                yield ThreadedStatements(self._connection, self._thread)
            except asyncio.CancelledError:
                await to_the_end(self._interrupt_and_roll_back())
                raise
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.rollback()

    async def close(self) -> None:
        async with self._turn:
            await self._thread.close(self._connection.close)

    async def _interrupt_and_roll_back(self) -> None:
        rollback = asyncio.ensure_future(self._thread.run(self._connection.rollback))
        while not rollback.done():
            # If the statement has not begun yet, SQLite ignores the interruption. So the interruption is repeated until
            # the rollback is done.
            self._connection.interrupt()
            await asyncio.wait({rollback}, timeout=_INTERRUPT_SECONDS)
        try:
            rollback.result()
            self._connection.execute("SELECT 1").fetchall()
        except sqlite3.OperationalError:
            # The interrupted statement is not finished. Until it is finished, SQLite also interrupts all later
            # statements of the connection. So the connection is replaced.
            interrupted = self._connection
            self._connection = self._open_connection()
            interrupted.close()


class SqliteLookups:
    """Queries that read only a few rows, found by an index, on a separate connection.

    They are executed on the event loop, because a switch to a thread costs more processor time than such a query. Each
    query sees the last commit. It waits for no other transaction.
    """

    def __init__(
        self, connection: sqlite3.Connection, raise_failure: Callable[[sqlite3.DatabaseError], NoReturn]
    ) -> None:
        """`connection` cannot write. `raise_failure` turns errors of the file into StoreFailure."""
        self._connection = connection
        self._raise_failure = raise_failure

    async def execute_fetchall(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> Sequence[sqlite3.Row]:
        """Execute a query, and return all rows of its result.

        Raises:
            StoreFailure: the file cannot be read.
        """
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            self._raise_failure(error)

    def close(self) -> None:
        self._connection.close()
