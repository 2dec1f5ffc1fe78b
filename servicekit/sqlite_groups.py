"""Short write transactions on one SQLite file that wait for each other, in one transaction.

Works that arrive while a group is being committed wait, and are the next group:

```
group 1   work a ── commit
group 2             works b, c, d, one after the other ── commit
group 3                                                   ...
```

`servicekit.sqlite_writer` commits transactions together, too, but each of them takes its turn in a task of its own, and
needs a savepoint. A work takes less: no turn, no savepoint, and no copy of each page that it changes.

Each work sees what the works before it have written. No work returns before the commit of its group. If a work raises,
the group is rolled back, and each of its works runs again, in a transaction of its own.

If another process has locked the file, a group waits as long as its first work may. Then this one fails, and the others
wait again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import Context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from servicekit.errors import StoreFailure
from servicekit.finish_despite_cancellation import to_the_end
from servicekit.sqlite_failures import StoreLocked

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager

    from servicekit.sqlite_statements import Statements

# How many works a group may have. With more of them, the saving for each work hardly grows, and the first one waits
# longer.
MAX_GROUP_SIZE: Final = 32
# After this number of works, other tasks of the event loop get their turn.
_WORKS_AT_A_TIME: Final = 8
# A work whose time ends so soon is not tried again. SQLite rounds the times during which it waits.
_TOO_LATE_SECONDS: Final = 0.05

T = TypeVar("T")


def _future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False, slots=True)
class _Work:
    """A work that waits for its result.

    Attributes:
        run: reads, decides and writes. It may be called several times.
        until: the time of the event loop until which the work may wait.
        result: the future that the caller awaits. If the caller is cancelled, the future is cancelled.
        ended: done when the group of the work has ended; None while the work waits.
    """

    run: Callable[[Statements], Coroutine[Any, Any, Any]]
    until: float
    result: asyncio.Future[Any] = field(default_factory=_future)
    ended: asyncio.Future[None] | None = None

    def fail(self, error: Exception) -> None:
        # A caller that was cancelled gets no result.
        if not self.result.done():
            # Each caller gets an error of its own, because an error collects the places that it passes.
            self.result.set_exception(type(error)(error.explanation) if isinstance(error, StoreFailure) else error)


class SqliteGroups:
    """Runs works in groups, one group at a time.

    Args:
        transaction: begins a transaction whose statements are executed on the event loop, and which is committed at the
            end of the block. Its argument is how many seconds it may wait for others; then it raises StoreLocked. It
            raises StoreFailure if the file cannot be written.
        seconds: how long a work may wait, for other groups and for other processes.
    """

    def __init__(
        self, transaction: Callable[[float], AbstractAsyncContextManager[Statements]], seconds: Callable[[], float]
    ) -> None:
        self._transaction = transaction
        self._seconds = seconds
        self._waiting: deque[_Work] = deque()
        self._task: asyncio.Task[None] | None = None

    async def run(self, work: Callable[[Statements], Coroutine[Any, Any, T]]) -> T:
        """Run `work` in a transaction, and return its result after the commit.

        `work` may be called again with another transaction, so it must not do anything besides its statements. It must
        await nothing but these. If the caller is cancelled, a work that still waits is dropped. A work whose group has
        begun is completed.

        Raises:
            StoreFailure: the file cannot be written, or other transactions take too long.
            Exception: an error of `work`; then nothing of it is stored.
        """
        loop = asyncio.get_running_loop()
        one = _Work(work, loop.time() + self._seconds())
        self._waiting.append(one)
        if self._task is None:
            # The works of a group belong to several requests. So what is logged must not have the id of one of them.
            self._task = loop.create_task(self._run_groups(), context=Context())
        try:
            result: T = await one.result
        except asyncio.CancelledError:
            if one.ended is None:
                self._waiting.remove(one)
            else:
                await to_the_end(one.ended)
            raise
        return result

    async def _run_groups(self) -> None:
        try:
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(MAX_GROUP_SIZE, len(self._waiting)))]
                ended = _future()
                for one in group:
                    one.ended = ended
                locked: Sequence[_Work] = ()
                try:
                    locked = await self._run_group(self._in_time(group))
                finally:
                    # Only if this task was cancelled are there other works without a result.
                    for one in group:
                        if one not in locked:
                            one.result.cancel()
                    ended.set_result(None)
                for one in locked:
                    one.ended = None
                self._waiting.extendleft(reversed(locked))
        finally:
            self._task = None

    def _in_time(self, group: Sequence[_Work], needed: float = 0.0) -> list[_Work]:
        """Return the works that may wait longer than `needed` seconds. The others fail."""
        end, in_time = asyncio.get_running_loop().time() + needed, []
        for one in group:
            if one.until > end:
                in_time.append(one)
            else:
                one.fail(StoreLocked("transactions wait too long for the database"))
        return in_time

    async def _run_group(self, group: Sequence[_Work]) -> list[_Work]:
        """Run the works, and give each its result. Return those that must wait again, because the file is locked."""
        if not group:
            return []
        try:
            values = await self._attempt(group)
        except StoreLocked:
            return [one for one in self._in_time(group, _TOO_LATE_SECONDS) if not one.result.done()]
        except StoreFailure as failure:
            for one in group:
                one.fail(failure)
        except Exception as error:  # noqa: BLE001 - the caller gets it
            if len(group) > 1:
                rest = await asyncio.gather(*(self._run_group([one]) for one in group))
                return [one for each in rest for one in each]
            group[0].fail(error)
        else:
            for one, value in zip(group, values, strict=True):
                if not one.result.done():
                    one.result.set_result(value)
        return []

    async def _attempt(self, group: Sequence[_Work]) -> list[Any]:
        """Run the works in one transaction, and return their results after its commit."""
        values = []
        seconds = max(0.0, min(one.until for one in group) - asyncio.get_running_loop().time())
        async with self._transaction(seconds) as statements:
            for number, one in enumerate(group, 1):
                values.append(_finished(one.run(statements)))
                if number % _WORKS_AT_A_TIME == 0:
                    await asyncio.sleep(0)
        return values


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`, which awaits only statements that are executed at once."""
    try:
        work.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    work.close()
    raise RuntimeError("a work of a group awaits something else than its statements")
