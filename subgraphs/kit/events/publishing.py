"""Publishes the outbox of a service and runs the service's consumers while the service runs."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from subgraphs.kit.background import in_background
from subgraphs.kit.events.outbox_bus import OutboxBus
from subgraphs.kit.events.relay import READER, Relay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from subgraphs.kit.events.bus import Bus, Consumer
    from subgraphs.kit.outbox import Outbox


@asynccontextmanager
async def publishing(
    outbox: Outbox, brokers: str | None, service: str, consumers: Sequence[Consumer] = ()
) -> AsyncIterator[None]:
    """Publish the events of `outbox` to Kafka while the block runs, and deliver them to `consumers` from there.

    If `brokers` is None, nothing is published, and the consumers read the outbox.

    The positions of readers that do not read any more are deleted, because the outbox would keep old events for them.
    So after a change of `brokers`, all events of the last seven days are published or delivered again.

    Raises:
        Unavailable: the store does not respond.
    """
    async with AsyncExitStack() as stack:
        if brokers is None:
            await outbox.forget_reader(READER)
            bus: Bus = OutboxBus(outbox)
        else:
            # The driver is imported here, because a service without Kafka does not need it.
            from subgraphs.kit.events.kafka import KafkaPublisher  # noqa: PLC0415
            from subgraphs.kit.events.kafka_bus import KafkaBus  # noqa: PLC0415

            for consumer in consumers:
                await outbox.forget_reader(consumer.group)
            bus = KafkaBus(brokers, service)
            relay = Relay(outbox, KafkaPublisher(brokers, service))
            stack.push_async_callback(relay.stop)
            await stack.enter_async_context(in_background(relay.run()))
        for consumer in consumers:
            await stack.enter_async_context(in_background(bus.run(consumer)))
        yield
