"""Write transactions on one SQLite file, one after the other, with group commit.

A commit waits until the disk has the data. Transactions that arrive meanwhile wait, and are then committed together:

```
transaction 1 ── block ──┐
transaction 2 ──wait── block ──┐            each block after the first is a savepoint
transaction 3 ──wait────── block ──┐
                                   commit ──> transactions 1 to 3 return
```

No transaction returns before the commit of its group. If a block raises, only its own statements are undone. If the
commit fails, all transactions of the group fail, and nothing of them is stored.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from servicekit.errors import StoreFailure
from servicekit.finish_despite_cancellation import to_the_end
from servicekit.sqlite_failures import StoreLocked, is_failure
from servicekit.sqlite_statements import CallThread, ImmediateStatements, Statements, ThreadedStatements
from servicekit.time_limit import TimeLimit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

_SAVEPOINT: Final = "SAVEPOINT block"
_UNDO_BLOCK: Final = ("ROLLBACK TO block", "RELEASE block")
_PRIMARY: Final = 0xFF


@dataclass(frozen=True, slots=True)
class CommitReport:
    """A number that is read at the end of a group, and reported when the group is committed.

    Attributes:
        query: a query whose result is one number.
        report: called in the writer's thread, before the transactions of the group return.
    """

    query: str
    report: Callable[[int], None]


class _Group:
    """The transactions that are committed together.

    Attributes:
        size: the number of transactions whose blocks have ended.
        is_counted: whether a transaction of the group must be reported.
        failure: why the transactions of the group are lost; None if they are not lost.
        committed: done when the group is committed or lost.
    """

    def __init__(self) -> None:
        self.size = 0
        self.is_counted = False
        self.failure: StoreFailure | None = None
        self.committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class SqliteWriter:
    """The connection that writes. Its transactions are short, so their statements are executed on the event loop."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        busy_seconds: Callable[[], float],
        *,
        after_commit: Callable[[], None],
    ) -> None:
        """Create the writer.

        Args:
            path: the file.
            connection: a connection without busy timeout.
            busy_seconds: returns how long a transaction waits for its turn.
            after_commit: called on the event loop after each commit of a group.
        """
        self._path = path
        self._connection = connection
        self._busy_seconds = busy_seconds
        self._after_commit = after_commit
        self._thread = CallThread(f"writer of {path.name}")
        self._immediate: Statements = ImmediateStatements(connection)
        self._threaded: Statements = ThreadedStatements(connection, self._thread)
        # Whoever has the lock may use the connection. Those who wait get it in the order of their arrival.
        self._turn = asyncio.Lock()
        # How many wait for the lock, without those who close the connection.
        self._waiting = 0
        self._group: _Group | None = None
        self.commit_report: CommitReport | None = None
        self.written_at = float("-inf")
        """The monotonic time of the last commit that succeeded."""

    @asynccontextmanager
    async def transaction(
        self, *, is_short: bool, is_counted: bool, seconds: float | None = None
    ) -> AsyncIterator[Statements]:
        """Run the block in a transaction. See `servicekit.sqlite.Database.transaction`.

        Raises:
            StoreLocked: other transactions of this process took too long.
            StoreFailure: the group of the transaction was lost.
            sqlite3.Error: the transaction cannot begin or be committed.
        """
        remaining = await self._take_turn(self._busy_seconds() if seconds is None else seconds)
        try:
            group = await self._join_group(remaining)
            is_first = group.size == 0
            try:
                if not is_first:
                    self._connection.execute(_SAVEPOINT)
                yield self._immediate if is_short else self._threaded
                if not is_first:
                    self._connection.execute("RELEASE block")
            except BaseException as error:
                await to_the_end(self._undo(group, error, is_first=is_first))
                raise
            group.size += 1
            group.is_counted = group.is_counted or is_counted
        finally:
            self._turn.release()
        await to_the_end(self._commit_in_turn(group) if is_first else group.committed)

    async def close(self) -> None:
        """Close the connection. No transaction may be running."""
        async with self._turn:
            await self._thread.close(self._connection.close)

    async def _take_turn(self, seconds: float) -> float:
        """Wait for at most `seconds` until no other transaction of this process is running.

        Return the rest of the time during which the transaction may still wait for other processes.
        """
        if not self._waiting and not self._turn.locked():
            # Nobody has the lock or waits for it, so this does not wait.
            await self._turn.acquire()
            return seconds
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        self._waiting += 1
        try:
            with TimeLimit(deadline):
                await self._turn.acquire()
        except TimeoutError:
            raise StoreLocked(f"transactions wait too long for the database {self._path}") from None
        finally:
            self._waiting -= 1
        return deadline - clock()

    async def _join_group(self, remaining: float) -> _Group:
        """Return the group that is not committed yet, or begin a new one."""
        if self._group is None:
            await self._begin(remaining)
            self._group = _Group()
        return self._group

    async def _begin(self, seconds: float) -> None:
        """Begin a database transaction. If another process has locked the file, wait for at most `seconds`."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY:
                raise
            try:
                await to_the_end(self._thread.run(lambda: self._begin_after_wait(seconds)))
            except asyncio.CancelledError:
                # The caller was cancelled during the wait, but the transaction has begun nevertheless.
                self._connection.rollback()
                raise

    def _begin_after_wait(self, seconds: float) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {max(0, round(seconds * 1000))}")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:
            self._connection.execute("PRAGMA busy_timeout = 0")

    async def _undo(self, group: _Group, error: BaseException, *, is_first: bool) -> None:
        """Undo the statements of a block that has raised `error`.

        A cancelled block may have left a statement in the thread. So the statements are undone in the thread, too.
        """
        is_lost = await self._thread.run(self._roll_back if is_first else self._undo_block)
        if is_lost:
            # After errors such as a full disk, SQLite rolls back the whole group. Its transactions must not return.
            self._group = None
            group.failure = self._lost(error)

    def _roll_back(self) -> bool:
        if self._connection.in_transaction:
            self._connection.rollback()
        return True

    def _undo_block(self) -> bool:
        try:
            for statement in _UNDO_BLOCK:
                self._connection.execute(statement)
        except sqlite3.Error:
            return self._roll_back()
        return not self._connection.in_transaction

    def _lost(self, error: BaseException) -> StoreFailure:
        return StoreFailure(f"a transaction was lost with others of the same commit in {self._path}: {error}")

    async def _commit_in_turn(self, group: _Group) -> None:
        """Commit `group`, after the transactions that wait now have joined it. The first of the group calls this.

        They join because they are before this call in the queue of the lock.
        """
        error: sqlite3.Error | None = None
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        try:
            if group.failure is None:
                self._group = None
                error = await self._commit(group)
        finally:
            self._turn.release()
        if group.failure is None:
            self.written_at = time.monotonic()
            group.committed.set_result(None)
            self._after_commit()
            return
        group.committed.set_exception(group.failure)
        group.committed.exception()  # if the group has only this transaction, nobody else reads the exception
        # The original error says more to the operator. But a violated constraint is a mistake of one transaction only.
        is_own = isinstance(error, sqlite3.DatabaseError) and (group.size == 1 or is_failure(error))
        raise error if error is not None and is_own else group.failure

    async def _commit(self, group: _Group) -> sqlite3.Error | None:
        report = self.commit_report if group.is_counted else None
        try:
            await self._thread.run(lambda: self._commit_now(report))
        except sqlite3.Error as error:
            group.failure = self._lost(error)
            return error
        return None

    def _commit_now(self, report: CommitReport | None) -> None:
        try:
            number = 0 if report is None else self._connection.execute(report.query).fetchone()[0]
            self._connection.commit()
        except sqlite3.Error:
            # If the commit fails (the disk is full, or a deferred constraint is violated), SQLite leaves the
            # transaction open.
            self._connection.rollback()
            raise
        if report is not None:
            report.report(number)
