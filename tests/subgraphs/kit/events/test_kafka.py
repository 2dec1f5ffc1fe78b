"""Events as Kafka records, read by a plain consumer of another library's making.

Covers `subgraphs/kit/events/kafka.py` and `subgraphs/kit/events/cloud_events.py`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaConsumer
from pydantic import TypeAdapter, ValidationError

from bank import values
from bank.values import format_timestamp
from mosafe.local_servers.kafka_mock import KafkaMock
from subgraphs.kit.events import kafka as module
from subgraphs.kit.events import kafka_bus, outbox_reader
from subgraphs.kit.events.cloud_events import Record, from_record, to_record
from subgraphs.kit.events.kafka import KafkaPublisher
from subgraphs.kit.events.kafka_bus import KafkaBus
from subgraphs.kit.events.publishing import publishing
from subgraphs.kit.events.relay import NotPublished
from subgraphs.kit.outbox import Event, OutboxRow
from subgraphs.kit.settings import Brokers
from tests.ports import free_port
from tests.servers import running
from tests.subgraphs.kit.events.bus_contract import Memory, consuming
from tests.subgraphs.kit.events.conftest import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.subgraphs.kit.events.conftest import Log


async def consume(brokers: str, topic: str, count: int) -> list[Any]:
    """The first `count` records of a topic."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=brokers, auto_offset_reset="earliest")
    async with consumer:
        return [await consumer.getone() for _ in range(count)]


@asynccontextmanager
async def publisher(brokers: str) -> AsyncIterator[KafkaPublisher]:
    opened_publisher = KafkaPublisher(brokers, "account")
    try:
        yield opened_publisher
    finally:
        await opened_publisher.close()


async def test_a_record_has_the_key_the_headers_and_the_data_of_the_event(kafka_brokers: str) -> None:
    event = opened(7, "c")
    async with publisher(kafka_brokers) as kafka:
        await kafka.publish([OutboxRow(41, event)])
    (record,) = await consume(kafka_brokers, "accounts.v1", 1)
    assert record.key == b"c" * 24
    assert json.loads(record.value) == event.data
    assert {name: value.decode() for name, value in record.headers} == {
        "ce_specversion": "1.0",
        "ce_id": event.id,
        "ce_source": "/mosafe/account",
        "ce_type": "account.changed",
        "ce_subject": "c" * 24,
        "ce_time": format_timestamp(event.time),
        "ce_dataschema": "urn:mosafe:event:account.changed.v1",
        "ce_sequence": "41",
        "content-type": "application/json",
    }
    assert record.timestamp == round(event.time.timestamp() * 1000)
    assert from_record(record.value, record.headers) == event


async def test_the_records_of_an_account_stay_in_order(kafka_brokers: str) -> None:
    rows = [OutboxRow(number, opened(number, "abc"[number % 3])) for number in range(1, 91)]
    async with publisher(kafka_brokers) as kafka:
        await kafka.publish(rows)
    found = [from_record(record.value, record.headers) for record in await consume(kafka_brokers, "accounts.v1", 90)]
    for account in "abc":
        expected = [row.event for row in rows if row.event.subject == account * 24]
        assert [event for event in found if event.subject == account * 24] == expected


@pytest.mark.parametrize(
    ("event", "topic", "reason"),
    [
        (
            Event("account.changed", "a" * 24, values.now(), {"balance": 1.5}),
            "accounts.v1",
            "accountId: Field required",
        ),
        (Event("account.renamed", "a" * 24, values.now(), {}), "accounts.v1", "no schema has this type"),
        (Event("weather.changed", "a" * 24, values.now(), {}), "unknown", "no schema has this type"),
    ],
)
async def test_an_event_without_the_documented_shape_is_a_dead_letter(event: Event, topic: str, reason: str) -> None:
    record = to_record(OutboxRow(1, event), "account")
    assert record.topic == f"{topic}.dead-letter"
    assert dict(record.headers)["error"].decode() == reason


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"{}", []),
        (b"[]", [("ce_type", b"t"), ("ce_subject", b"s"), ("ce_time", b"2026-01-01T00:00:00.000Z"), ("ce_id", b"1")]),
        (b"\xff", [("ce_type", b"t"), ("ce_subject", b"s"), ("ce_time", b"2026-01-01T00:00:00.000Z"), ("ce_id", b"1")]),
        (None, [("ce_type", b"t"), ("ce_subject", b"s"), ("ce_time", b"yesterday"), ("ce_id", b"1")]),
    ],
)
def test_a_record_that_is_no_event_is_a_value_error(value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    with pytest.raises(ValueError, match="not a"):
        from_record(value, headers)


async def test_an_absent_broker_is_explained_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PUBLISH_SECONDS", 1)
    async with publisher(f"127.0.0.1:{free_port()}") as kafka:
        with pytest.raises(
            NotPublished, match=r"KAFKA_BROKERS: Kafka at 127\.0\.0\.1:\d+ did not take events: .*; check"
        ):
            await kafka.publish([OutboxRow(1, opened(1))])


async def test_kafka_that_hangs_for_a_while_loses_nothing(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker hangs until the publisher has given up several times. A consumer gets each event once, in order."""
    monkeypatch.setattr(outbox_reader, "RETRY_SECONDS", 0.05)
    attempts = 0
    send = KafkaPublisher.send

    async def counted(publisher: KafkaPublisher, *records: Record) -> None:
        nonlocal attempts
        attempts += 1
        await send(publisher, *records)

    monkeypatch.setattr(KafkaPublisher, "send", counted)
    memory = Memory(("aa",))
    with running(KafkaMock(tmp_path / "kafka")) as kafka:
        async with publishing(log, kafka.brokers, "account"), consuming(KafkaBus(kafka.brokers, "account"), memory):
            await log.append(opened(1))
            await memory.has(1)
            kafka.pause()
            # Only now, because a busy machine needs longer than this to connect to a broker that does not hang.
            usual = module.PUBLISH_SECONDS
            monkeypatch.setattr(module, "PUBLISH_SECONDS", 0.3)
            before = attempts
            for number in range(2, 30):
                await log.append(opened(number))
            while attempts < before + 4:
                await asyncio.sleep(0.01)
            monkeypatch.setattr(module, "PUBLISH_SECONDS", usual)
            kafka.resume()
            await memory.has(29)
    assert memory.versions == {"aa": list(range(1, 30))}
    assert memory.given_up == []


@pytest.mark.filterwarnings("ignore:Unclosed AIOKafka:ResourceWarning")  # the client is given up
async def test_a_service_stops_while_kafka_hangs(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise, the request to leave the group would take 40 s, and so would the stop."""
    monkeypatch.setattr(kafka_bus, "STOP_SECONDS", 0.1)
    memory = Memory(("aa",))
    with running(KafkaMock(tmp_path / "kafka")) as kafka:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(publishing(log, kafka.brokers, "account"))
            await stack.enter_async_context(consuming(KafkaBus(kafka.brokers, "account"), memory))
            await log.append(opened(1))
            await memory.has(1)
            kafka.pause()
            began = time.monotonic()
            await stack.aclose()
            assert time.monotonic() - began < 30
        kafka.resume()
    gc.collect()


@pytest.mark.parametrize(
    "text", ["kafka", "kafka:", "kafka:0", "kafka:65536", "http://kafka:9092", "a:1,,b:2", ":9092"]
)
def test_malformed_brokers_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is not of the form host:port"):
        TypeAdapter[str](Brokers).validate_python(text)


def test_brokers_are_a_list() -> None:
    assert TypeAdapter[str](Brokers).validate_python("a:1, [::1]:2") == "a:1,[::1]:2"
