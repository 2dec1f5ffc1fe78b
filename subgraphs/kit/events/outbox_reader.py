"""Reads an outbox from a stored position, in one process at a time, and passes the events on in their order.

```
take the lease ──> read a batch ──> process it ──> save the position ──┐
      ^                 ^─────────────────────────────────────────────┘
      └── another process has the lease, or a step failed: pause
```

If the process dies before it has saved the position, the same events are processed again, with the same ids. If the
process that has the lease dies, another process takes over when the lease expires. The lease is renewed while a batch
is processed, however long this takes.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from bank.values import new_object_id
from servicekit.errors import ServiceError, StoreFailure
from subgraphs.kit.events.failure_log import FailureLog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from subgraphs.kit.outbox import Outbox, OutboxRow

LEASE_SECONDS: Final = 10.0
BATCH_SIZE: Final = 200
# The pause when there are no new events. A new event may wait for this time before it is read.
POLL_SECONDS: Final = 0.1
# The pause after a failure, and between two attempts to get the lease.
RETRY_SECONDS: Final = 1.0

_log = structlog.stdlib.get_logger("events")


class TryAgainLater(Exception):
    """Something that is needed to process events is not available. The message has the reason, for operators."""


class OutboxReader:
    """Reads one outbox under a name while `run` is running."""

    def __init__(self, outbox: Outbox, name: str, process: Callable[[Sequence[OutboxRow]], Awaitable[None]]) -> None:
        """`process` gets the next events, and returns when they are processed.

        If it raises an error, it gets the same events again after a pause.
        """
        self._outbox = outbox
        self._name = name
        self._process = process
        self._owner = new_object_id()
        self._failures = FailureLog(
            "events are not processed; they stay in the outbox", "events are processed again", reader=name
        )

    async def run(self) -> NoReturn:
        """Read events until the task is cancelled. A failure that lasts is logged only once."""
        while True:
            try:
                await self._read_while_leased()
            except StoreFailure as error:
                self._failures.failed(error.explanation)
            except (TryAgainLater, ServiceError) as error:
                self._failures.failed(str(error))
            except Exception:  # noqa: BLE001 - no other process reads these events, so the loop must continue
                _log.exception("cannot process events", reader=self._name)
            await asyncio.sleep(RETRY_SECONDS)

    async def stop(self) -> None:
        """Release the lease, so that another process can read immediately. Call this after `run` has ended."""
        try:
            await self._outbox.release_position(self._name, self._owner)
        except StoreFailure as error:
            _log.info("another process reads the events in a while", reader=self._name, reason=error.explanation)

    async def _read_while_leased(self) -> None:
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        position = await self._take()
        while position is not None:
            rows = await self._outbox.events(after=position, limit=BATCH_SIZE)
            if rows:
                if not await self._process_under_lease(rows):
                    return
                self._failures.succeeded()
                position = rows[-1].sequence
                if not await self._outbox.save_position(self._name, self._owner, position):
                    return
            else:
                await asyncio.sleep(POLL_SECONDS)
            if loop.time() > renewed + LEASE_SECONDS / 3:
                renewed = loop.time()
                position = await self._take()

    async def _process_under_lease(self, rows: Sequence[OutboxRow]) -> bool:
        """Process the events, and renew the lease meanwhile. Return False if another process has taken the lease."""
        work = asyncio.ensure_future(self._process(rows))
        try:
            while not (await asyncio.wait({work}, timeout=LEASE_SECONDS / 3))[0]:
                if await self._take() is None:
                    return False
            work.result()
            return True
        finally:
            if not work.done():
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work

    async def _take(self) -> int | None:
        return await self._outbox.take_position(self._name, self._owner, seconds=LEASE_SECONDS)
