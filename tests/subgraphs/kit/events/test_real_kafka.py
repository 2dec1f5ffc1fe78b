"""Apache Kafka itself: killed and restarted, writes refused by an access control list, replay by time.

Run it by `make test-kafka`, which needs Java and Maven. Covers `mosafe/local_servers/kafka_server.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaConsumer
from confluent_kafka.admin import (  # type: ignore[attr-defined] # the package does not list what it exports
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from structlog.testing import capture_logs

from bank.values import format_timestamp
from mosafe.cli import command
from mosafe.local_servers.kafka_server import KafkaServer
from subgraphs.kit.events.cloud_events import from_record
from subgraphs.kit.events.kafka import records_since
from subgraphs.kit.events.publishing import publishing
from tests.servers import running
from tests.subgraphs.account.support import funded, person, sqlite_factory
from tests.subgraphs.kit.events.conftest import opened

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from datetime import datetime
    from pathlib import Path

    from subgraphs.kit.outbox import Event
    from tests.subgraphs.kit.events.conftest import Log

TOPIC = "accounts.v1"


@pytest.fixture(scope="module")
def kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    if not request.config.getoption("--real-kafka"):
        pytest.skip("needs Java: make test-kafka")
    with running(KafkaServer(tmp_path_factory.mktemp("kafka"))) as server:
        yield server


async def events_of(brokers: str, subject: str) -> AsyncGenerator[Event]:
    """The events of an account, from the first one on, each as often as it was published."""
    async with AIOKafkaConsumer(TOPIC, bootstrap_servers=brokers, auto_offset_reset="earliest") as consumer:
        while True:
            record = await consumer.getone()
            event = from_record(record.value, record.headers)
            if event.subject == subject:
                yield event


async def versions_of(brokers: str, account: str, count: int) -> list[Any]:
    """The versions of the first `count` different events of an account, in their order."""
    found: dict[str, object] = {}
    async with asyncio.timeout(60), aclosing(events_of(brokers, account * 24)) as events:
        async for event in events:
            found.setdefault(event.id, event.data["version"])
            if len(found) == count:
                break
    return list(found.values())


async def test_a_broker_that_is_killed_and_restarted_gets_every_event_in_order(log: Log, kafka: KafkaServer) -> None:
    async with publishing(log, kafka.brokers, "account"):
        await log.append(opened(1, "b"))
        assert await versions_of(kafka.brokers, "b", 1) == [1]
        for number in range(2, 40):
            await log.append(opened(number, "b"))
            if number == 20:
                kafka.kill()
        kafka.start()
        assert await versions_of(kafka.brokers, "b", 39) == list(range(1, 40))


@contextmanager
def without_write_access(brokers: str) -> Iterator[None]:
    """Let everybody do everything with the topic in the block, except writing."""
    admin = AdminClient({"bootstrap.servers": brokers})
    everybody = (ResourceType.TOPIC, TOPIC, ResourcePatternType.LITERAL, "User:ANONYMOUS", "*")
    rules = [
        (*everybody, AclOperation.ALL, AclPermissionType.ALLOW),
        (*everybody, AclOperation.WRITE, AclPermissionType.DENY),
    ]
    for made in admin.create_acls([AclBinding(*rule) for rule in rules]).values():
        made.result(30)
    try:
        yield
    finally:
        for deleted in admin.delete_acls([AclBindingFilter(*rule) for rule in rules]).values():
            deleted.result(30)


async def test_a_write_that_is_refused_says_so_and_loses_nothing(log: Log, kafka: KafkaServer) -> None:
    with capture_logs() as lines:
        async with publishing(log, kafka.brokers, "account"):
            await log.append(opened(1, "c"))
            assert await versions_of(kafka.brokers, "c", 1) == [1]
            with without_write_access(kafka.brokers):
                await log.append(opened(2, "c"))
                async with asyncio.timeout(60):
                    while not (refused := [line for line in lines if "TopicAuthorizationFailed" in str(line)]):
                        await asyncio.sleep(0.05)
            assert await versions_of(kafka.brokers, "c", 2) == [1, 2]
    assert refused[0]["event"] == "events are not processed; they stay in the outbox"
    assert "KAFKA_BROKERS" in refused[0]["reason"]
    assert "this service may write to the topics" in refused[0]["reason"]


async def test_reading_from_a_time_begins_there(log: Log, kafka: KafkaServer) -> None:
    async with publishing(log, kafka.brokers, "account"):
        old = opened(1, "d")
        await log.append(old)
        await asyncio.sleep(0.01)  # a later millisecond
        new = opened(2, "d")
        await log.append(new)
        assert await versions_of(kafka.brokers, "d", 2) == [1, 2]

    async def versions_since(moment: datetime) -> list[object]:
        records = [record async for record in records_since(kafka.brokers, [TOPIC], moment, follow=False)]
        found = [from_record(record.value, record.headers) for record in records]
        return [event.data["version"] for event in found if event.subject == "d" * 24]

    assert await versions_since(old.time) == [1, 2]
    assert await versions_since(new.time) == [2]


async def test_events_are_published_again_from_a_time_on(
    kafka: KafkaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sqlite_factory(tmp_path / "account.sqlite3")() as store:
        account = await funded(store, person(), "1.00")
        rows = await store.events(after=0, limit=9)
        published = aclosing(events_of(kafka.brokers, account.id))
        async with publishing(store, kafka.brokers, "account"), asyncio.timeout(60), published as events:
            async for event in events:
                if event.id == rows[-1].event.id:
                    break
    monkeypatch.setenv("MOSAFE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KAFKA_BROKERS", kafka.brokers)
    since = format_timestamp(rows[-1].event.time)
    arguments = ["events", "replay", "--from", since, "--topic", TOPIC]
    await asyncio.to_thread(command.main, arguments, standalone_mode=False)
    found = [
        event.id
        async for record in records_since(kafka.brokers, [TOPIC], rows[0].event.time, follow=False)
        if (event := from_record(record.value, record.headers)).subject == account.id
    ]
    expected = [row.event.id for row in rows]
    again = [row.event.id for row in rows if format_timestamp(row.event.time) >= since]
    assert found == expected + again
