"""Both buses keep the same contract.

Covers `subgraphs/kit/events/outbox_bus.py`, `subgraphs/kit/events/kafka_bus.py` and `subgraphs/kit/events/bus.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer

from subgraphs.kit.events import delivery, kafka_bus, outbox_reader
from subgraphs.kit.events.cloud_events import Record
from subgraphs.kit.events.kafka import KafkaPublisher
from subgraphs.kit.events.kafka_bus import KafkaBus
from subgraphs.kit.events.outbox_bus import OutboxBus
from subgraphs.kit.events.publishing import publishing
from subgraphs.kit.outbox import OutboxRow
from tests.subgraphs.kit.events.bus_contract import (
    CONTRACT,
    Memory,
    consuming,
    the_members_of_a_group_share_the_events,
)
from tests.subgraphs.kit.events.conftest import opened

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from subgraphs.kit.events.bus import Bus
    from subgraphs.kit.outbox import Event
    from tests.subgraphs.kit.events.bus_contract import Promise
    from tests.subgraphs.kit.events.conftest import Log


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_reader, "POLL_SECONDS", 0.005)
    monkeypatch.setattr(outbox_reader, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(kafka_bus, "RETRY_SECONDS", 0.01)
    # The mock broker waits nearly this long after a member has left its group.
    monkeypatch.setattr(kafka_bus, "SESSION_SECONDS", 4)
    monkeypatch.setattr(delivery, "FIRST_PAUSE_SECONDS", 0.001)


@dataclass
class InOutbox:
    log: Log
    accounts: tuple[str, str, str]

    async def append(self, *events: Event) -> None:
        await self.log.append(*events)

    def another_process(self) -> Bus:
        return OutboxBus(self.log)

    async def dead_letters(self, count: int) -> Sequence[tuple[str, str, str]]:
        while True:
            letters = [each for each in await self.log.dead_letters(limit=100) if is_of(each.event, self.accounts)]
            if len(letters) >= count:
                return [(letter.event.id, letter.group, letter.reason) for letter in letters]
            await asyncio.sleep(0.005)


@dataclass
class InKafka:
    log: Log
    accounts: tuple[str, str, str]
    brokers: str

    async def append(self, *events: Event) -> None:
        await self.log.append(*events)

    def another_process(self) -> Bus:
        return KafkaBus(self.brokers, "account")

    async def dead_letters(self, count: int) -> Sequence[tuple[str, str, str]]:
        letters = []
        async with aclosing(dead_letters(self.brokers)) as found:
            async for event_id, subject, group, reason in found:
                if subject[:2] in self.accounts:
                    letters.append((event_id, group, reason))
                if len(letters) == count:
                    break
        return letters


def is_of(event: Event, accounts: Sequence[str]) -> bool:
    return event.subject[:2] in accounts


async def dead_letters(brokers: str) -> AsyncGenerator[tuple[str, str, str, str], None]:
    """The id, the subject, the consumer group and the error of each dead letter."""
    async with AIOKafkaConsumer(
        "accounts.v1.dead-letter", bootstrap_servers=brokers, auto_offset_reset="earliest"
    ) as consumer:
        while True:
            record = await consumer.getone()
            headers = {name: text.decode() for name, text in record.headers}
            yield headers.get("ce_id", ""), headers.get("ce_subject", ""), headers["consumer_group"], headers["error"]


def three_accounts(number: int) -> tuple[str, str, str]:
    first, second, third = (f"{3 * number + offset:02x}" for offset in range(3))
    return first, second, third


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_contract_on_the_outbox(promise: Promise, log: Log) -> None:
    await promise(InOutbox(log, three_accounts(0)))


@pytest.fixture
def brokers(request: pytest.FixtureRequest) -> str:
    """A Kafka without topics: the mock broker, or that of `--kafka-brokers`."""
    real: str | None = request.config.getoption("--kafka-brokers")
    return real or str(request.getfixturevalue("kafka_brokers"))


async def test_contract_on_kafka(log: Log, brokers: str, request: pytest.FixtureRequest) -> None:
    """All promises are tested at the same time, because a consumer waits 3 s until the broker gives it partitions.

    The mock broker cannot divide the partitions of a group among several members, so this needs a real Kafka.
    """
    is_real = request.config.getoption("--kafka-brokers") is not None
    promises = [each for each in CONTRACT if is_real or each is not the_members_of_a_group_share_the_events]
    async with publishing(log, brokers, "account"), asyncio.TaskGroup() as tests:
        for number, promise in enumerate(promises):
            tests.create_task(promise(InKafka(log, three_accounts(number), brokers)), name=promise.__name__)
        tests.create_task(a_record_that_is_no_event_is_a_dead_letter(brokers))


async def a_record_that_is_no_event_is_a_dead_letter(brokers: str) -> None:
    publisher, memory = KafkaPublisher(brokers, "account"), Memory(("fe",))
    event = opened(1, "fe")
    await publisher.send(Record("accounts.v1", b"a", b"nonsense", [], 0))
    await publisher.publish([OutboxRow(1, event)])
    async with consuming(KafkaBus(brokers, "account"), memory), aclosing(dead_letters(brokers)) as letters:
        await memory.has(1)
        reasons = []
        async for _, _, group, reason in letters:
            if group == memory.group:
                reasons.append(reason)
                break
    await publisher.close()
    assert memory.got == [event]
    assert reasons == ["not a CloudEvent in binary mode: Expecting value: line 1 column 1 (char 0)"]
