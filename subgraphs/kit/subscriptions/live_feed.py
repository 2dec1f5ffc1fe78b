"""Passes new events of an outbox to the subscriptions of this process, each with a bounded queue.

The feed reads the outbox, not Kafka: the outbox has the events of all processes of the service in their order, and
subscriptions work while Kafka is away. The feed reads only while there are followers, beginning with the events that
are committed after the first one has come.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog

from bank.events.topics import accounts_of
from servicekit.errors import StoreFailure
from subgraphs.kit.events.failure_log import FailureLog
from subgraphs.kit.events.outbox_reader import BATCH_SIZE, RETRY_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.kit.outbox import Event, Outbox

# An event reaches a subscription about this much later.
POLL_SECONDS: Final = 0.1
# How many events may wait for a client that reads slowly. Then its subscription ends.
QUEUE_EVENTS: Final = 100

_log = structlog.stdlib.get_logger("subscriptions")


class TooSlow(Exception):
    """More than `QUEUE_EVENTS` events wait for this follower."""


class Follower:
    """The new events of one account, in their order. It is an asynchronous iterator."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Event] = asyncio.Queue(QUEUE_EVENTS)
        self._is_too_slow = False

    def put(self, event: Event) -> None:
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            self._is_too_slow = True

    def __aiter__(self) -> Follower:
        return self

    async def __anext__(self) -> Event:
        """Return the next event. Raises TooSlow as soon as an event was lost."""
        if self._is_too_slow:
            raise TooSlow
        return await self._events.get()


class LiveFeed:
    """The live events of one outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._followers: defaultdict[str, set[Follower]] = defaultdict(set)
        self._reading: asyncio.Task[None] | None = None
        self._has_position = asyncio.Event()

    @asynccontextmanager
    async def follow(self, account_id: str) -> AsyncIterator[Follower]:
        """Follow the events of an account inside the block: those that are committed after the block has begun."""
        follower = Follower()
        self._followers[account_id].add(follower)
        try:
            if self._reading is None:
                self._has_position.clear()
                self._reading = asyncio.create_task(self._read())
            await self._has_position.wait()
            yield follower
        finally:
            self._followers[account_id].discard(follower)
            if not self._followers[account_id]:
                del self._followers[account_id]
            if not self._followers:
                await self.aclose()

    async def aclose(self) -> None:
        """Stop to read."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait({reading})

    async def _read(self) -> None:
        failures = FailureLog("subscriptions get no events", "subscriptions get events again")
        position: int | None = None
        while True:
            try:
                position = await self._read_on(position)
                failures.succeeded()
            except StoreFailure as error:
                failures.failed(error.explanation)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # noqa: BLE001 - the loop must continue for the other events
                _log.exception("cannot read events for subscriptions")
                await asyncio.sleep(RETRY_SECONDS)

    async def _read_on(self, position: int | None) -> int:
        """Pass on the events after `position`, and return the new position."""
        if position is None:
            position = await self._outbox.last_sequence()
            self._has_position.set()
        rows = await self._outbox.events(after=position, limit=BATCH_SIZE)
        for row in rows:
            for account_id in accounts_of(row.event.data):
                for follower in tuple(self._followers.get(account_id, ())):
                    follower.put(row.event)
        if not rows:
            await asyncio.sleep(POLL_SECONDS)
            return position
        return rows[-1].sequence
