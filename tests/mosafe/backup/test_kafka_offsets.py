"""The positions of consumer groups are restored, and never behind the end of a partition."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bank.events.topics import TRANSACTIONS
from mosafe.backup.kafka_offsets import GROUPS, KafkaOffsets

GROUP = GROUPS[1]


async def publish(brokers: str, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=brokers) as producer:
        for number in range(count):
            await producer.send_and_wait(TRANSACTIONS, b"%d" % number, partition=0)


async def commit(brokers: str, offset: int) -> None:
    async with AIOKafkaConsumer(bootstrap_servers=brokers, group_id=GROUP, enable_auto_commit=False) as consumer:
        place = TopicPartition(TRANSACTIONS, 0)
        consumer.assign([place])
        await consumer.commit({place: offset})


def position(brokers: str) -> int:
    return KafkaOffsets.read(brokers).positions[GROUP][TRANSACTIONS]["0"]


def test_positions_are_read_and_set_back(kafka_brokers: str) -> None:
    asyncio.run(publish(kafka_brokers, 5))
    asyncio.run(commit(kafka_brokers, 2))
    (part,) = KafkaOffsets.read(kafka_brokers).parts()
    content = bytearray()
    assert part.dump(content.extend) == 1
    asyncio.run(commit(kafka_brokers, 5))
    found = KafkaOffsets.parse(bytes(content))
    assert found.restore(kafka_brokers) == [f"{GROUP}: {TRANSACTIONS} 0 continues at 2"]
    assert position(kafka_brokers) == 2
    ahead = KafkaOffsets({GROUP: {TRANSACTIONS: {"0": 99}, "no-such-topic": {"0": 3}}})
    assert ahead.restore(kafka_brokers) == [f"{GROUP}: {TRANSACTIONS} 0 continues at 5"]
    assert position(kafka_brokers) == 5
