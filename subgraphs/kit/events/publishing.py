"""Publishes the outbox of a service while the service runs, if Kafka is configured."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from servicekit.errors import ConfigurationError
from subgraphs.kit.background import in_background
from subgraphs.kit.events.relay import READER, Relay
from subgraphs.kit.outbox import ReadableOutbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.kit.outbox import Outbox


@asynccontextmanager
async def publishing(outbox: Outbox, brokers: str | None, service: str) -> AsyncIterator[None]:
    """Publish the events of `outbox` to Kafka while the block runs.

    If `brokers` is None, nothing is published, and the position of the Kafka reader is deleted. With this position, the
    outbox would keep old events until the reader has read them. If brokers are set later, the events that still exist
    are published.

    Raises:
        ConfigurationError: `brokers` is set, but this kind of store cannot publish events.
        Unavailable: the store does not respond.
    """
    if not isinstance(outbox, ReadableOutbox):
        if brokers is not None:
            raise ConfigurationError("KAFKA_BROKERS", "this store cannot publish events; unset it, or use SQLite")
        yield
        return
    if brokers is None:
        await outbox.forget_reader(READER)
        yield
        return
    # The driver is imported here, because a service without Kafka does not need it.
    from subgraphs.kit.events.kafka import KafkaPublisher  # noqa: PLC0415

    relay = Relay(outbox, KafkaPublisher(brokers, service))
    try:
        async with in_background(relay.run()):
            yield
    finally:
        await relay.stop()
