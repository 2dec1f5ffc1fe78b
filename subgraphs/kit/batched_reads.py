"""Reads documents by key, and lets callers that wait share one command to the database server.

A command costs much more than one more document in its result. So callers that arrive while a read is running wait,
and the next read has the keys of all of them:

```
read 1   keys of a
read 2         keys of b, c, d
read 3                   ...
```

A read begins after its callers have called. So each caller sees everything that was committed before its call.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from servicekit.errors import StoreFailure
from servicekit.finish_despite_cancellation import until_done
from servicekit.time_limit import TimeLimit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

# The number of keys after which a read takes no further callers. It keeps a command short.
MAX_KEYS: Final = 200

K = TypeVar("K")
V = TypeVar("V")


class BatchedReads(Generic[K, V]):
    """Reads values by key, one read at a time.

    Args:
        read: returns the values that exist, by key. It limits its own time.
        seconds: how long a caller waits if another read is running.
    """

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._waiting: list[tuple[Collection[K], asyncio.Future[Mapping[K, V]]]] = []
        self._task: asyncio.Task[None] | None = None

    async def get(self, keys: Collection[K]) -> dict[K, V]:
        """Return the values of `keys`. Keys without a value are left out.

        If the caller is cancelled, the read goes on for the other callers.

        Raises:
            StoreFailure: `read` has raised it, or earlier reads take too long.
            Exception: another error of `read`.
        """
        if not keys:
            return {}
        result: asyncio.Future[Mapping[K, V]] = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, result))
        if self._task is None:
            # A read belongs to several requests. So what is logged must not have the id of one of them, and the time
            # limit of one of them must not end the read.
            self._task = asyncio.create_task(self._run(), context=Context())
            await until_done(result)
        else:
            loop = asyncio.get_running_loop()
            try:
                with TimeLimit(loop.time() + self._seconds):
                    await until_done(result)
            except TimeoutError:
                raise StoreFailure("reads wait too long for the database") from None
        found = result.result()
        return {key: found[key] for key in keys if key in found}

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._read_for(self._next_callers())
        finally:
            self._task = None

    def _next_callers(self) -> list[tuple[Collection[K], asyncio.Future[Mapping[K, V]]]]:
        size = taken = 0
        while taken < len(self._waiting) and size < MAX_KEYS:
            size += len(self._waiting[taken][0])
            taken += 1
        callers, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return callers

    async def _read_for(self, callers: list[tuple[Collection[K], asyncio.Future[Mapping[K, V]]]]) -> None:
        try:
            found = await self._read(list(dict.fromkeys(key for keys, _ in callers for key in keys)))
        except Exception as error:  # noqa: BLE001 - the callers get it
            for _, result in callers:
                # Each caller gets an error of its own, because an error collects the places that it passes.
                result.set_exception(StoreFailure(error.explanation) if isinstance(error, StoreFailure) else error)
                # A caller that was cancelled does not read its error.
                result.exception()
        else:
            for _, result in callers:
                result.set_result(found)
        finally:
            # Only if this task was cancelled are there callers without a result.
            for _, result in callers:
                result.cancel()
