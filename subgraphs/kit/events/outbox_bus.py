"""The bus of a service without Kafka: consumer groups are readers of the service's own outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from bank import values
from bank.events.topics import topic_of
from subgraphs.kit.events.delivery import deliver
from subgraphs.kit.events.outbox_reader import OutboxReader
from subgraphs.kit.outbox import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subgraphs.kit.events.bus import Consumer
    from subgraphs.kit.outbox import Event, Outbox, OutboxRow


class OutboxBus:
    """The `Bus` on the outbox of a service. Positions and dead letters are in the same store."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def run(self, consumer: Consumer) -> NoReturn:
        """Deliver events; see `bus.Bus.run`."""

        async def bury(event: Event, reason: str) -> None:
            await self._outbox.add_dead_letter(DeadLetter(consumer.group, event, reason, values.now()))

        async def process(rows: Sequence[OutboxRow]) -> None:
            events = [row.event for row in rows if topic_of(row.event.type) in consumer.topics]
            await deliver(events, consumer, bury)

        reader = OutboxReader(self._outbox, consumer.group, process)
        try:
            await reader.run()
        finally:
            await reader.stop()
