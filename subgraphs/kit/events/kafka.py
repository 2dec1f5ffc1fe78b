"""Publishes events to Kafka, and reads them there (`KAFKA_BROKERS`)."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from servicekit.errors import StartupError
from subgraphs.kit.events.cloud_events import to_record
from subgraphs.kit.events.relay import NotPublished
from subgraphs.kit.times import to_milliseconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from datetime import datetime

    from subgraphs.kit.events.cloud_events import Record
    from subgraphs.kit.outbox import OutboxRow

VARIABLE: Final = "KAFKA_BROKERS"
REQUEST_SECONDS: Final = 5
# How long a consumer or a command waits for the first response of a broker.
CONNECT_SECONDS: Final = 8.0
# How long one call of `publish` may take. If a broker fails, another broker takes over within this time.
PUBLISH_SECONDS: Final = 20.0
STOP_SECONDS: Final = 2.0
FETCH_MILLISECONDS: Final = 200

# While no broker responds, aiokafka would log each attempt to connect. The callers log the failure once.
logging.getLogger("aiokafka").addFilter(lambda record: record.funcName != "bootstrap")


class Unreachable(Exception):
    """No broker has responded. The message has the variable, the addresses and the advice, for operators."""


async def check_reachable(brokers: str) -> None:
    """Return when a broker has responded.

    The clients of aiokafka would wait 40 s for each broker: as long as for the requests with which a group begins.

    Raises:
        Unreachable: no broker has responded within `CONNECT_SECONDS`.
    """
    hosts = brokers.split(",")
    timeout = max(1, round(CONNECT_SECONDS * 1000 / len(hosts)))
    client = AIOKafkaClient(bootstrap_servers=hosts, client_id="mosafe-check", request_timeout_ms=timeout)
    try:
        await client.bootstrap()
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unreachable(
            f"{VARIABLE}: Kafka at {brokers} does not respond; check the address, and that the broker runs"
        ) from error
    finally:
        await client.close()


class KafkaPublisher:
    """Sends events with an idempotent producer: if the producer sends an event twice, Kafka stores it only once.

    The publisher connects to Kafka at its first call, and connects again after a failure.
    """

    def __init__(self, brokers: str, service: str) -> None:
        """`service` is the name of the service whose events are published."""
        self._brokers = brokers
        self._service = service
        self._producer: Any = None

    async def publish(self, rows: Sequence[OutboxRow]) -> None:
        """Publish events; see `relay.Publisher.publish`."""
        await self.send(*[to_record(row, self._service) for row in rows])

    async def send(self, *records: Record) -> None:
        """Send records; those with one key stay in their order.

        Raises:
            NotPublished: the brokers may have stored only some of the records.
        """
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                producer = await self._connected()
                for wave in _waves(records):
                    await _send(producer, wave)
        except (KafkaError, TimeoutError, OSError) as error:
            await self.close()
            reason = str(error) or f"no response within {PUBLISH_SECONDS:g} s"
            raise NotPublished(
                f"{VARIABLE}: Kafka at {self._brokers} did not take events: {reason}; check the address, that the"
                " broker runs, and that this service may write to the topics"
            ) from error

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            # The producer gets only `STOP_SECONDS` to send its last events. Events that it does not send are still in
            # the outbox, and are published later.
            with suppress(TimeoutError, KafkaError):
                async with asyncio.timeout(STOP_SECONDS):
                    await producer.stop()

    async def _connected(self) -> Any:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self._brokers.split(","),
                client_id=f"mosafe-{self._service}",
                enable_idempotence=True,
                acks="all",
                request_timeout_ms=REQUEST_SECONDS * 1000,
            )
            await self._producer.start()
        return self._producer


async def _send(producer: Any, records: Sequence[Record]) -> None:
    """Send `records`, and wait until the brokers have them all."""
    sent = [
        await producer.send(
            record.topic,
            key=record.key,
            value=record.value,
            headers=list(record.headers),
            timestamp_ms=record.timestamp,
        )
        for record in records
    ]
    await asyncio.gather(*sent)


def _waves(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Yield the first record of each key, then the second record of each key, and so on.

    The records of a key must stay in order. So a record is sent only after Kafka has stored the record before it. If
    both were sent together, Kafka could refuse the first one and store the second one. The first one would then be sent
    again, and would come after the second one.
    """
    waves = defaultdict[int, list["Record"]](list)
    places = defaultdict[tuple[str, bytes | None], int](int)
    for record in records:
        key = (record.topic.partition(".dead-letter")[0], record.key)
        waves[places[key]].append(record)
        places[key] += 1
    yield from waves.values()


async def records_since(
    brokers: str, topics: Sequence[str], since: datetime | None, *, follow: bool
) -> AsyncIterator[ConsumerRecord]:
    """Yield the records of `topics`. Records with the same key are in their order.

    Args:
        brokers: the addresses of the brokers.
        topics: the names of the topics. Topics that do not exist are left out, because reading must not create them.
        since: the time of the first records; None yields only records that are written from now on.
        follow: whether to wait for more records at the end of the topics.

    Raises:
        StartupError: the brokers do not respond.
    """
    options = {
        "bootstrap_servers": brokers.split(","),
        "client_id": "mosafe-events",
        "request_timeout_ms": REQUEST_SECONDS * 1000,
    }
    async with AsyncExitStack() as stack:
        try:
            await check_reachable(brokers)
            async with asyncio.timeout(CONNECT_SECONDS):
                async with AIOKafkaConsumer(**options) as probe:
                    existing = sorted(await probe.topics() & set(topics))
                consumer = await stack.enter_async_context(AIOKafkaConsumer(*existing, **options))
                ends = await _begin(consumer, since)
        except Unreachable as error:
            raise StartupError(str(error)) from error
        except (KafkaError, TimeoutError) as error:
            reason = str(error) or f"no response within {CONNECT_SECONDS:g} s"
            raise StartupError(f"{VARIABLE}: Kafka at {brokers} does not deliver events: {reason}") from error
        while follow or any([await consumer.position(partition) < end for partition, end in ends.items()]):
            fetched = await consumer.getmany(timeout_ms=FETCH_MILLISECONDS)
            for record in (record for records in fetched.values() for record in records):
                if since is None or record.timestamp >= to_milliseconds(since):
                    yield record


async def _begin(consumer: Any, since: datetime | None) -> Mapping[Any, int]:
    """Move each partition to the first record to read. Return the offset after the last record of each partition."""
    found = sorted(consumer.assignment())
    ends: Mapping[Any, int] = await consumer.end_offsets(found)
    times = await consumer.offsets_for_times(dict.fromkeys(found, to_milliseconds(since))) if since and found else {}
    for partition in found:
        place = times.get(partition)
        if place is not None:
            consumer.seek(partition, place.offset)
        elif since is not None:  # no record is later than `since`, or the broker cannot search by time
            consumer.seek(partition, 0)
        else:
            consumer.seek(partition, ends[partition])
    return ends
