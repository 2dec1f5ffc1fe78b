"""Executes statements of one SQLite connection: in a thread of the connection, or on the event loop.

In the thread, a statement may take as long as it needs. On the event loop, a statement delays everything else, but
costs no switch between threads. The switch costs more processor time than a statement on a few rows. So statements on
the event loop must be short, and must not wait for a lock of the file.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping, Sequence

T = TypeVar("T")


class Queries(Protocol):
    """Executes queries. The method raises sqlite3.Error."""

    async def execute_fetchall(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> Sequence[sqlite3.Row]:
        """Execute a statement, and return all rows of its result."""


class Statements(Queries, Protocol):
    """Executes statements of one connection. All methods raise sqlite3.Error."""

    async def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Execute a statement, and return the number of rows that it has changed."""

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Execute a statement for each element of `parameters`."""


class ImmediateStatements:
    """`Statements` that are executed on the calling thread. The methods never suspend the caller."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def execute_fetchall(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> Sequence[sqlite3.Row]:
        return self._connection.execute(sql, parameters).fetchall()

    async def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        return self._connection.execute(sql, parameters).rowcount

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(sql, parameters)


class ThreadedStatements:
    """`Statements` that are executed one after the other in `thread`."""

    def __init__(self, connection: sqlite3.Connection, thread: CallThread) -> None:
        self._connection = connection
        self._thread = thread

    async def execute_fetchall(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> Sequence[sqlite3.Row]:
        return await self._thread.run(lambda: self._connection.execute(sql, parameters).fetchall())

    async def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        return await self._thread.run(lambda: self._connection.execute(sql, parameters).rowcount)

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        await self._thread.run(lambda: self._connection.executemany(sql, parameters))


class CallThread:
    """A thread that makes calls in the order in which they arrive."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, function: Callable[[], T]) -> T:
        """Call `function` in the thread, and return its result or raise its exception.

        If the caller is cancelled, the call is made nevertheless, and its result is dropped.

        Raises:
            ValueError: the thread is closed.
        """
        if self._is_closed:
            raise ValueError("the connection is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def call() -> None:
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001 - the waiting task gets the exception
                _report(loop, partial(_fail, future, error))
            else:
                _report(loop, partial(_succeed, future, result))

        self._calls.put(call)
        return await future

    async def close(self, last: Callable[[], None]) -> None:
        """Call `last` after all calls that were made before, and end the thread. A second call does nothing."""
        if not self._is_closed:
            try:
                await self.run(last)
            finally:
                self._is_closed = True
                self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _report(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop is closed, so no task waits for the result
        loop.call_soon_threadsafe(callback)


def _succeed(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
