"""The committed positions of the platform's consumer groups in Kafka.

The positions are read before the stores. So no event is skipped after a restore: an event whose effect is in a store
already is delivered again, and consumers ignore it (docs/events.md).
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bank.events.topics import TOPICS
from bank.values import format_timestamp, now
from mosafe.backup.errors import STORE, BackupError
from mosafe.backup.manifest import KAFKA, StoreFacts
from mosafe.backup.store_snapshot import Part
from subgraphs.account.exports import worker as exports
from subgraphs.kit.events.kafka import CONNECT_SECONDS, Unreachable, check_reachable
from subgraphs.transaction import notifications

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping

    from mosafe.backup.store_snapshot import Write

FILE: Final = "kafka/offsets.json"
GROUPS: Final = (f"mosafe.account.{exports.GROUP}", f"mosafe.transaction.{notifications.GROUP}")
_TOPICS: Final = tuple(TOPICS.values())
# All requests to Kafka together may take this long.
_SECONDS: Final = 30.0


@dataclass(frozen=True)
class KafkaOffsets:
    """The committed offsets: group → topic → partition → offset of the next event."""

    positions: Mapping[str, Mapping[str, Mapping[str, int]]]
    facts: StoreFacts = field(
        default_factory=lambda: StoreFacts(KAFKA, "kafka", "Kafka", "committed offsets", format_timestamp(now()))
    )

    @classmethod
    def read(cls, brokers: str) -> KafkaOffsets:
        """Raises BackupError if Kafka does not respond."""
        return cls(_run(brokers, _read(brokers)))

    @classmethod
    def parse(cls, content: bytes) -> KafkaOffsets:
        return cls(json.loads(content))

    def parts(self) -> Iterator[Part]:
        yield Part(FILE, self._dump)

    def _dump(self, write: Write) -> int:
        write(json.dumps(self.positions, indent=1, sort_keys=True).encode())
        return sum(len(partitions) for topics in self.positions.values() for partitions in topics.values())

    def restore(self, brokers: str) -> list[str]:
        """Set the groups back, and return a line for each partition that was set.

        A partition that has lost events continues at its present end. The consumers must not run.

        Raises:
            BackupError: Kafka does not respond, or a consumer of the group runs.
        """
        lines: list[str] = _run(brokers, _restore(brokers, self.positions))
        return lines


def _run(brokers: str, work: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(_SECONDS):
            return await work

    try:
        asyncio.run(check_reachable(brokers))
    except Unreachable as error:
        work.close()
        raise BackupError(STORE, str(error)) from error
    try:
        return asyncio.run(bounded())
    except (KafkaError, TimeoutError, OSError) as error:
        reason = str(error) or f"no response within {_SECONDS:g} s"
        raise BackupError(STORE, f"KAFKA_BROKERS: offsets at {brokers}: {reason}") from error


async def _read(brokers: str) -> dict[str, dict[str, dict[str, int]]]:
    found: dict[str, dict[str, dict[str, int]]] = {}
    places = await _partitions(brokers)
    for group in GROUPS:
        async with _consumer(brokers, group) as consumer:
            topics = defaultdict[str, dict[str, int]](dict)
            for place in places:
                offset = await consumer.committed(place)
                if offset is not None:
                    topics[place.topic][str(place.partition)] = offset
            found[group] = dict(topics)
    return found


async def _partitions(brokers: str) -> list[TopicPartition]:
    """Return the partitions of the platform's topics that exist."""
    client = AIOKafkaAdminClient(bootstrap_servers=brokers.split(","), client_id="mosafe-backup")
    await client.start()
    try:
        existing = sorted(set(await client.list_topics()) & set(_TOPICS))
        described = await client.describe_topics(existing) if existing else []
    finally:
        await client.close()
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in sorted(topic["partitions"], key=lambda each: int(each["partition"]))
    ]


def _consumer(brokers: str, group: str) -> Any:
    """Return a consumer that reads and writes the offsets of a group, and does not join the group."""
    return AIOKafkaConsumer(
        bootstrap_servers=brokers.split(","),
        group_id=group,
        client_id="mosafe-backup",
        enable_auto_commit=False,
        request_timeout_ms=round(CONNECT_SECONDS * 1000),
    )


async def _restore(brokers: str, positions: Mapping[str, Mapping[str, Mapping[str, int]]]) -> list[str]:
    lines: list[str] = []
    for group, topics in positions.items():
        wanted = {
            TopicPartition(topic, int(partition)): offset
            for topic, partitions in topics.items()
            for partition, offset in partitions.items()
        }
        if not wanted:
            continue
        async with _consumer(brokers, group) as consumer:
            existing = await consumer.topics()
            known = {place: offset for place, offset in wanted.items() if place.topic in existing}
            consumer.assign(list(known))
            ends = await consumer.end_offsets(list(known)) if known else {}
            kept = {place: min(offset, ends[place]) for place, offset in known.items()}
            if kept:
                await consumer.commit(kept)
        lines += [f"{group}: {place.topic} {place.partition} continues at {offset}" for place, offset in kept.items()]
    return lines
