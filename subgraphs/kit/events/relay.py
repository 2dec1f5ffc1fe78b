"""Publishes the events of an outbox: each event at least once, and the events of one account in their order.

The relay is a reader of the outbox (`outbox_reader`) with the name `kafka`. It saves its position when the publisher
has stored the events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from subgraphs.kit.events.outbox_reader import OutboxReader, TryAgainLater

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subgraphs.kit.outbox import Outbox, OutboxRow

READER: Final = "kafka"


class NotPublished(TryAgainLater):
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

    def __init__(self, outbox: Outbox, publisher: Publisher) -> None:
        self._publisher = publisher
        self._reader = OutboxReader(outbox, READER, publisher.publish)

    async def run(self) -> NoReturn:
        """Publish events until the task is cancelled.

        After a failure, the same events are published again. A failure that lasts is logged only once.
        """
        try:
            await self._reader.run()
        finally:
            await self._publisher.close()

    async def stop(self) -> None:
        """Release the lease, so that another process can publish immediately. Call this after `run` has ended."""
        await self._reader.stop()
