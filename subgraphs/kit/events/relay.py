"""Publishes the events of an outbox: each event at least once, and the events of one account in their order.

The relay reads events from its position in the outbox, and passes them to the publisher. When the publisher has stored
the events, the relay saves its new position. If the process crashes before that, the same events are published again,
with the same ids.

Only one process of a service publishes: the owner of a lease. If this process dies, another process takes over when the
lease expires.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

import structlog

from bank.values import new_object_id
from servicekit.errors import StoreFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subgraphs.kit.outbox import OutboxRow, ReadableOutbox

READER: Final = "kafka"
LEASE_SECONDS: Final = 10.0
BATCH: Final = 200
# The pause when there is nothing to publish. A new event may wait for this time before it is published.
POLL_SECONDS: Final = 0.1
# The pause after a failure, and between two attempts to get the lease.
RETRY_SECONDS: Final = 1.0

_log = structlog.stdlib.get_logger("events")


class NotPublished(Exception):
    """The message broker has not stored all events. The message contains the reason, for operators."""


class Publisher(Protocol):
    """The client of a message broker, such as `KafkaPublisher`."""

    async def publish(self, rows: Sequence[OutboxRow]) -> None:
        """Publish events. Return when the broker has stored all of them.

        The events of one account are published in their order.

        Raises:
            NotPublished: the broker may have stored only some of the events. The caller must publish all of them again.
        """

    async def close(self) -> None:
        """Release the connections."""


class Relay:
    """Publishes the events of one outbox while `run` is running."""

    def __init__(self, outbox: ReadableOutbox, publisher: Publisher) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._owner = new_object_id()
        self._failure: str | None = None

    async def run(self) -> NoReturn:
        """Publish events until the task is cancelled.

        After a failure, the same events are published again. A failure that lasts is logged only once.
        """
        try:
            while True:
                try:
                    await self._publish_while_leased()
                except (NotPublished, StoreFailure) as error:
                    self._report(error.explanation if isinstance(error, StoreFailure) else str(error))
                except Exception:  # noqa: BLE001 - no other process publishes these events, so the loop must go on
                    _log.exception("cannot publish events")
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            await self._publisher.close()

    async def stop(self) -> None:
        """Release the lease, so that another process can publish immediately. Call this after `run` has ended."""
        try:
            await self._outbox.release_position(READER, self._owner)
        except StoreFailure as error:
            _log.info("another process publishes the events in a while", reason=error.explanation)

    async def _publish_while_leased(self) -> None:
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        position = await self._outbox.take_position(READER, self._owner, seconds=LEASE_SECONDS)
        while position is not None:
            rows = await self._outbox.events(after=position, limit=BATCH)
            if rows:
                await self._publisher.publish(rows)
                self._report(None)
                position = rows[-1].sequence
                if not await self._outbox.save_position(READER, self._owner, position):
                    return
            else:
                await asyncio.sleep(POLL_SECONDS)
            if loop.time() > renewed + LEASE_SECONDS / 3:
                renewed = loop.time()
                position = await self._outbox.take_position(READER, self._owner, seconds=LEASE_SECONDS)

    def _report(self, failure: str | None) -> None:
        if failure is not None and self._failure is None:
            _log.error("events are not published; they stay in the outbox", reason=failure)
        elif failure is None and self._failure is not None:
            _log.info("events are published again")
        self._failure = failure
