"""The relay publishes every event, those of one account in order, whatever fails in between.

Covers `subgraphs/kit/events/relay.py`, `subgraphs/kit/events/outbox_reader.py`,
`subgraphs/kit/events/failure_log.py` and `subgraphs/kit/events/publishing.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from bank import values
from subgraphs.kit.background import in_background
from subgraphs.kit.events import outbox_reader as module
from subgraphs.kit.events.publishing import publishing
from subgraphs.kit.events.relay import READER, NotPublished, Relay
from subgraphs.kit.outbox import RETENTION, prune
from tests.subgraphs.kit.events.conftest import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from subgraphs.kit.outbox import OutboxRow
    from tests.subgraphs.kit.events.conftest import Log


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.005)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)


class Bus:
    """A bus that keeps what it gets, or refuses it after it took a part."""

    def __init__(self) -> None:
        self.versions: list[object] = []
        self.ids: list[str] = []
        self.refusals = 0
        self.closed = False

    async def publish(self, rows: Sequence[OutboxRow]) -> None:
        taken = rows[: len(rows) // 2] if self.refusals else rows
        self.versions += [row.event.data["version"] for row in taken]
        self.ids += [row.event.id for row in taken]
        if self.refusals:
            self.refusals -= 1
            raise NotPublished("the disk is full")

    async def close(self) -> None:
        self.closed = True

    async def has(self, version: int) -> None:
        while version not in self.versions:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(log: Log, bus: Bus) -> AsyncIterator[Relay]:
    relay = Relay(log, bus)
    async with in_background(relay.run()):
        yield relay
    assert bus.closed


async def test_events_are_published_in_order_and_once(log: Log) -> None:
    await log.append(*map(opened, range(1, 4)))
    bus = Bus()
    async with running(log, bus):
        await bus.has(3)
        await log.append(opened(4))
        await bus.has(4)
    assert bus.versions == [1, 2, 3, 4]


async def test_a_failure_is_logged_once_and_nothing_is_lost(log: Log) -> None:
    bus = Bus()
    bus.refusals = 3
    await log.append(*map(opened, range(1, 5)))
    with capture_logs() as lines:
        async with running(log, bus):
            await bus.has(4)
    assert bus.versions == [1, 2, 1, 2, 1, 2, 1, 2, 3, 4]
    assert len(set(bus.ids)) == 4  # a consumer recognises a repetition
    assert [line["event"] for line in lines] == [
        "events are not processed; they stay in the outbox",
        "events are processed again",
    ]


async def test_another_process_goes_on_where_one_stopped(log: Log, other: Log) -> None:
    first, second = Bus(), Bus()
    async with running(log, first) as relay:
        await log.append(opened(1))
        await first.has(1)
        async with running(other, second):
            await log.append(opened(2))
            await first.has(2)
            assert second.versions == []
    await relay.stop()
    await log.append(opened(3))
    async with running(other, second):
        await second.has(3)
    assert first.versions == [1, 2]
    assert second.versions in ([3], [2, 3])  # the first one may have ended before it saved its position


async def test_the_lease_of_a_dead_process_expires(log: Log, other: Log) -> None:
    assert await log.take_position(READER, "dead", seconds=600) == 0
    assert await other.take_position(READER, "other", seconds=10) is None
    assert await log.take_position(READER, "dead", seconds=0.01) == 0
    await log.append(opened(1))
    bus = Bus()
    async with running(other, bus):
        await bus.has(1)
    assert not await log.save_position(READER, "dead", 0)
    assert await log.take_position(READER, "dead", seconds=1) is None


async def test_events_that_are_not_published_yet_are_not_deleted(log: Log) -> None:
    await log.append(*map(opened, (1, 2)))
    rows = await log.events(after=0, limit=10)
    later = values.now() + RETENTION + timedelta(seconds=1)
    assert await log.take_position(READER, "me", seconds=10) == 0
    assert await prune(log, later) == 0
    assert await log.save_position(READER, "me", rows[0].sequence)
    assert await prune(log, later) == 1
    async with publishing(log, None, "account"):  # nobody publishes any more
        assert await prune(log, later) == 1
    assert await log.last_sequence() == rows[1].sequence
