"""Works on one MongoDB store that wait for each other, in one transaction (group commit).

A transaction of MongoDB costs several commands, whose number hardly depends on how many documents each of them has. So
works that arrive while a transaction runs wait, and the next transaction has all of them:

```
transaction 1   work a
transaction 2          works b, c, d      one read of all their documents, then b, c and d one after the other in
transaction 3                  ...        memory, then one write for each collection, and the commit
```

Each work sees what the works before it have written. No work returns before the commit of its group. If a work raises,
only its own writes are dropped. If the transaction fails by a fault of one work, such as a document that a validator
refuses, each work of the group runs in a separate transaction.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextvars import Context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from pymongo.errors import PyMongoError

from servicekit.errors import StoreFailure
from servicekit.finish_despite_cancellation import until_done
from subgraphs.kit.mongo import OPERATION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pymongo.asynchronous.client_session import AsyncClientSession

# How many works one transaction may have. This is below the number of orders that a process carries out at a time under
# load, and keeps a transaction short.
MAX_GROUP_SIZE: Final = 32
# A work that has waited for its group has at least this time left for the transaction.
_MIN_SECONDS: Final = 2.0


class Unit(Protocol):
    """What a group reads and writes. Reads are remembered, and writes are kept, until `flush` sends them."""

    @property
    def changes(self) -> int:
        """How many changes the works of the group have made, for the counter of the store's changes."""

    @property
    def refusable(self) -> int:
        """How many writes were made that the server may refuse without a mistake of the program (`WorkRefused`)."""

    async def load(self, needs: Sequence[Any]) -> None:
        """Read the documents that the works need."""

    def savepoint(self) -> Callable[[], None]:
        """Return a function that drops what has been written after this call."""

    async def flush(self) -> None:
        """Send all writes.

        Raises:
            WorkRefused: the server refuses the write of one work.
        """


class WorkRefused(Exception):
    """The server refuses a write of one work, and the work must get `error`. The others must run again without it.

    Attributes:
        number: how many writes that could be refused (`Unit.refusable`) were made before this one.
    """

    def __init__(self, number: int, error: Exception) -> None:
        super().__init__(number, error)
        self.number = number
        self.error = error


class _OneRefused(Exception):
    """As `WorkRefused`, with the work."""

    def __init__(self, work: _Work[Any], error: Exception) -> None:
        super().__init__(work, error)
        self.work = work
        self.error = error


U = TypeVar("U", bound=Unit)
T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Work(Generic[U]):
    """A work that waits for its result.

    Attributes:
        needs: what `Unit.load` must read for the work.
        run: reads, decides and writes. It may be called several times, each time with another unit.
        until: the monotonic time until which the work may wait.
    """

    needs: object
    run: Callable[[U], Awaitable[Any]]
    until: float
    result: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class MongoGroups(Generic[U]):
    """Runs works in groups, one group at a time.

    Args:
        transaction: runs a function in a counted transaction with a time limit (`MongoStore._changing`). The function
            returns its result and the number of its changes.
        new_unit: returns the unit of a session whose transaction has begun.
    """

    def __init__(
        self,
        transaction: Callable[[Callable[[AsyncClientSession], Awaitable[tuple[Any, int]]], float], Awaitable[Any]],
        new_unit: Callable[[AsyncClientSession], U],
    ) -> None:
        self._transaction = transaction
        self._new_unit = new_unit
        self._waiting: deque[_Work[U]] = deque()
        self._task: asyncio.Task[None] | None = None
        self.turn: Final = asyncio.Lock()
        """Whoever has the lock runs the only transaction of this process. A group takes it."""

    def __len__(self) -> int:
        """How many works wait for the next group."""
        return len(self._waiting)

    async def run(self, needs: object, work: Callable[[U], Awaitable[T]]) -> T:
        """Run `work` in a transaction, and return its result after the commit.

        If the caller is cancelled, a work that still waits is dropped. A work whose group has begun is completed.

        Raises:
            StoreFailure: see `MongoDatabase.transaction`. It is not known whether the transaction was committed.
        """
        one = _Work(needs, work, time.monotonic() + OPERATION_SECONDS)
        self._waiting.append(one)
        if self._task is None:
            # The works of a group belong to several requests. So what is logged must not have the id of one of them.
            self._task = asyncio.create_task(self._run_groups(), context=Context())
        cancelled: asyncio.CancelledError | None = None
        while not one.result.done():
            try:
                await until_done(one.result)
            except asyncio.CancelledError as error:
                if one in self._waiting:
                    self._waiting.remove(one)
                    raise
                cancelled = error
        if cancelled is not None and not one.result.cancelled() and one.result.exception() is None:
            raise cancelled
        result: T = one.result.result()
        return result

    async def _run_groups(self) -> None:
        try:
            while self._waiting:
                async with self.turn:
                    group = [self._waiting.popleft() for _ in range(min(MAX_GROUP_SIZE, len(self._waiting)))]
                    try:
                        await self._run_group(group)
                    finally:
                        # Only if this task was cancelled are there works without a result.
                        for one in group:
                            one.result.cancel()
        finally:
            self._task = None

    async def _run_group(self, group: Sequence[_Work[U]]) -> None:
        now, in_time = time.monotonic(), []
        for one in group:
            if one.until > now:
                in_time.append(one)
            else:
                one.result.set_exception(StoreFailure("transactions wait too long for the database"))
        if in_time:
            await self._run_in_time(in_time, max(_MIN_SECONDS, in_time[0].until - now))

    async def _run_in_time(self, group: list[_Work[U]], seconds: float) -> None:
        try:
            outcomes = await self._transaction(lambda session: self._attempt(group, session), seconds)
        except StoreFailure as failure:
            for one in group:
                one.result.set_exception(StoreFailure(failure.explanation))
        except _OneRefused as refused:
            refused.work.result.set_exception(refused.error)
            await self._run_group([one for one in group if one is not refused.work])
        except Exception as error:  # noqa: BLE001 - the caller gets it
            if len(group) == 1:
                group[0].result.set_exception(error)
                return
            for one in group:
                await self._run_group([one])
        else:
            for one, (value, refusal) in zip(group, outcomes, strict=True):
                if refusal is None:
                    one.result.set_result(value)
                else:
                    one.result.set_exception(refusal)

    async def _attempt(
        self, group: Sequence[_Work[U]], session: AsyncClientSession
    ) -> tuple[list[tuple[Any, Exception | None]], int]:
        """Return the result or the error of each work, and the number of changes."""
        unit = self._new_unit(session)
        await unit.load([one.needs for one in group])
        outcomes: list[tuple[Any, Exception | None]] = []
        writers: list[_Work[U]] = []
        for one in group:
            undo = unit.savepoint()
            before = unit.refusable
            try:
                outcomes.append((await one.run(unit), None))
            except PyMongoError:
                raise
            except Exception as error:  # noqa: BLE001 - the caller gets it
                undo()
                outcomes.append((None, error))
            writers += [one] * (unit.refusable - before)
        try:
            await unit.flush()
        except WorkRefused as refused:
            raise _OneRefused(writers[refused.number], refused.error) from None
        return outcomes, unit.changes
