"""The contract of an outbox, for the stores of every service.

Covers `subgraphs/kit/outbox.py` and `subgraphs/kit/sqlite_store.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from subgraphs.kit.outbox import RETENTION, prune

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from subgraphs.kit.outbox import Outbox, ReadableOutbox

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def types_since(outbox: Outbox, sequence: int) -> list[str]:
    """The types of the events with a greater sequence."""
    return [row.event.type for row in await outbox.events(after=sequence, limit=1000)]


async def last_sequence(outbox: Outbox) -> int:
    return max((row.sequence for row in await outbox.events(after=0, limit=1000)), default=0)


async def old_events_are_pruned_oldest_first(
    outbox: Outbox, change_at: Callable[[datetime], Awaitable[object]]
) -> None:
    """`change_at` makes one change, with one event, at the given time; the outbox is empty at first."""
    moments = [START + timedelta(minutes=n) for n in range(5)]
    for moment in moments:
        await change_at(moment)
    rows = await outbox.events(after=0, limit=10)
    assert [row.event.time for row in rows] == moments
    assert [row.sequence for row in rows] == sorted({row.sequence for row in rows})
    assert await outbox.events(after=rows[1].sequence, limit=2) == rows[2:4]

    assert await outbox.prune_events(START, limit=10) == 0
    assert await outbox.prune_events(moments[3], limit=2) == 2
    assert await outbox.events(after=0, limit=10) == rows[2:]
    assert await outbox.prune_events(moments[3], limit=10) == 1
    assert await outbox.events(after=0, limit=10) == rows[3:]

    assert await prune(outbox, moments[4] + RETENTION) == 1
    assert await prune(outbox, moments[4] + RETENTION + timedelta(milliseconds=1)) == 1
    assert await outbox.events(after=0, limit=10) == []
    await change_at(START)
    # A sequence is never reused, so that a reader never skips an event.
    assert await outbox.events(after=rows[4].sequence, limit=10) != []


async def readers_keep_their_positions(
    outbox: ReadableOutbox, change_at: Callable[[datetime], Awaitable[object]]
) -> None:
    """`change_at` makes one change, with one event, at the given time; the outbox is empty at first."""
    assert await outbox.last_sequence() == 0
    for minutes in range(3):
        await change_at(START + timedelta(minutes=minutes))
    sequences = [row.sequence for row in await outbox.events(after=0, limit=10)]
    assert await outbox.last_sequence() == sequences[-1]

    assert await outbox.take_position("relay", "one", seconds=60) == 0
    assert await outbox.take_position("relay", "two", seconds=60) is None
    assert await outbox.save_position("relay", "one", sequences[0])
    assert not await outbox.save_position("relay", "two", sequences[2])
    assert await outbox.take_position("relay", "one", seconds=60) == sequences[0]

    assert await outbox.prune_events(START + timedelta(days=1), limit=10) == 1
    assert await outbox.prune_events(START + timedelta(days=1), limit=10) == 0

    await outbox.release_position("relay", "two")
    assert await outbox.take_position("relay", "two", seconds=60) is None
    await outbox.release_position("relay", "one")
    assert await outbox.take_position("relay", "two", seconds=-1) == sequences[0]
    assert await outbox.take_position("relay", "one", seconds=60) == sequences[0]
    assert not await outbox.save_position("relay", "two", sequences[2])

    await outbox.forget_reader("relay")
    assert await outbox.prune_events(START + timedelta(days=1), limit=10) == 2
    assert await outbox.take_position("relay", "two", seconds=60) == 0
    await outbox.forget_reader("relay")
