"""The bus of a service with Kafka: each consumer group is a group of Kafka, with its committed offsets."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from servicekit.errors import StoreFailure
from subgraphs.kit.events.cloud_events import DEAD_LETTERS, Record, from_record
from subgraphs.kit.events.delivery import TEMPORARY, deliver
from subgraphs.kit.events.failure_log import FailureLog
from subgraphs.kit.events.kafka import (
    FETCH_MILLISECONDS,
    STOP_SECONDS,
    VARIABLE,
    KafkaPublisher,
    Unreachable,
    check_reachable,
)
from subgraphs.kit.events.outbox_reader import BATCH_SIZE, RETRY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiokafka import ConsumerRecord, TopicPartition

    from subgraphs.kit.events.bus import Consumer
    from subgraphs.kit.outbox import Event

# Another process takes over this long after a process was killed.
SESSION_SECONDS: Final = 10
# A batch may take this long, for example while a large export is written. After this time, Kafka gives the partitions
# to another process.
MAX_BATCH_SECONDS: Final = 300
# A topic that is created after the consumer has started is found within this time.
TOPICS_SECONDS: Final = 10

_log = structlog.stdlib.get_logger("events")


class KafkaBus:
    """The `Bus` on Kafka. Dead letters go to the topic `<topic>.dead-letter`."""

    def __init__(self, brokers: str, service: str) -> None:
        """`service` is the name of the service whose consumers run here."""
        self._brokers = brokers
        self._service = service

    async def run(self, consumer: Consumer) -> NoReturn:
        """Deliver events; see `bus.Bus.run`."""
        failures = FailureLog(
            "events are not processed; they stay in Kafka", "events are processed again", group=consumer.group
        )
        while True:
            try:
                await check_reachable(self._brokers)
                await self._consume(consumer, failures)
            except Unreachable as error:
                failures.failed(str(error))
            except (KafkaError, TimeoutError, OSError) as error:
                failures.failed(f"{VARIABLE}: Kafka at {self._brokers} does not deliver events: {error!r}")
            except Exception:  # noqa: BLE001 - the loop must continue, because no other process may run
                _log.exception("cannot process events", group=consumer.group)
            await asyncio.sleep(RETRY_SECONDS)

    async def _consume(self, consumer: Consumer, failures: FailureLog) -> NoReturn:
        async with AsyncExitStack() as stack:
            publisher = KafkaPublisher(self._brokers, self._service)
            stack.push_async_callback(publisher.close)
            client = AIOKafkaConsumer(
                bootstrap_servers=self._brokers.split(","),
                group_id=f"mosafe.{self._service}.{consumer.group}",
                client_id=f"mosafe-{self._service}",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                session_timeout_ms=round(SESSION_SECONDS * 1000),
                heartbeat_interval_ms=round(SESSION_SECONDS * 1000 / 3),
                max_poll_interval_ms=MAX_BATCH_SECONDS * 1000,
                metadata_max_age_ms=TOPICS_SECONDS * 1000,
            )
            partitions = _AssignedPartitions()
            client.subscribe(sorted(consumer.topics), listener=partitions)
            stack.push_async_exit(partial(_stop, client))
            await client.start()
            failing: set[TopicPartition] = set()
            while True:
                fetched = await client.getmany(timeout_ms=FETCH_MILLISECONDS, max_records=BATCH_SIZE)
                for partition, records in fetched.items():
                    async with partitions.busy:
                        if partition not in partitions.assigned:
                            continue
                        try:
                            await _deliver(records, consumer, publisher)
                        except TEMPORARY as error:
                            failures.failed(error.explanation if isinstance(error, StoreFailure) else str(error))
                            failing.add(partition)
                            client.seek(partition, records[0].offset)
                            await asyncio.sleep(RETRY_SECONDS)
                        else:
                            await client.commit({partition: records[-1].offset + 1})
                            failing.discard(partition)
                            if not failing:
                                failures.succeeded()


async def _stop(client: Any, kind: type[BaseException] | None, *_: object) -> None:
    """Leave the group.

    A service that stops does not wait for a broker that does not respond: what is left of the client ends with the
    process. After a failure, the client must end before the next one begins, or both would be members of the group.
    """
    is_last = kind is not None and issubclass(kind, asyncio.CancelledError)
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS if is_last else None):
            await client.stop()


class _AssignedPartitions(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Knows which partitions this process may read now.

    Kafka gives a partition to another process only when this process has finished its batch. Otherwise, both could
    process events of one account at the same time.
    """

    def __init__(self) -> None:
        self.assigned: set[TopicPartition] = set()
        self.busy = asyncio.Lock()

    async def on_partitions_revoked(self, revoked: Any) -> None:
        async with self.busy:
            self.assigned -= set(revoked)

    async def on_partitions_assigned(self, assigned: Any) -> None:
        self.assigned |= set(assigned)


async def _deliver(records: Sequence[ConsumerRecord], consumer: Consumer, publisher: KafkaPublisher) -> None:
    """Deliver the events of one partition. A record that is not an event becomes a dead letter at once."""
    waiting: list[Event] = []
    sources: dict[str, ConsumerRecord] = {}

    async def bury(event: Event, reason: str) -> None:
        await publisher.send(_dead_letter(sources[event.id], consumer.group, reason))

    for record in records:
        try:
            event = from_record(record.value, record.headers)
        except ValueError as error:
            await deliver(waiting, consumer, bury)
            waiting = []
            await publisher.send(_dead_letter(record, consumer.group, str(error)))
        else:
            waiting.append(event)
            sources[event.id] = record
    await deliver(waiting, consumer, bury)


def _dead_letter(record: ConsumerRecord, group: str, reason: str) -> Record:
    headers = [*record.headers, ("error", reason.encode()), ("consumer_group", group.encode())]
    return Record(record.topic + DEAD_LETTERS, record.key, record.value, headers, record.timestamp)
