"""The contract of an outbox, for the stores of every service.

Covers `subgraphs/kit/outbox.py`, `subgraphs/kit/sqlite_store.py` and `subgraphs/kit/mongo_readers.py`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bank.values import new_object_id
from subgraphs.kit.outbox import DEAD_LETTER_RETENTION, RETENTION, DeadLetter, Event, prune

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from subgraphs.kit.outbox import Outbox

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


async def readers_keep_their_positions(outbox: Outbox, change_at: Callable[[datetime], Awaitable[object]]) -> None:
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

    assert await outbox.set_position("relay", sequences[1])
    assert not await outbox.save_position("relay", "one", sequences[2])
    assert await outbox.take_position("relay", "two", seconds=60) == sequences[1]
    assert not await outbox.set_position("unknown", 0)

    await outbox.forget_reader("relay")
    assert await outbox.prune_events(START + timedelta(days=1), limit=10) == 2
    assert await outbox.take_position("relay", "two", seconds=60) == 0
    await outbox.forget_reader("relay")


async def dead_letters_are_kept_once(outbox: Outbox) -> None:
    """The store has no dead letters at first."""
    event = Event("account.opened", new_object_id(), START, {"accountId": "a", "version": 1})
    first = DeadLetter("group", event, "ValueError: no", START)
    other = DeadLetter("another", event, "KeyError: 'x'", START + timedelta(days=1))
    await outbox.add_dead_letter(first)
    await outbox.add_dead_letter(replace(first, reason="again", at=START + timedelta(days=2)))
    await outbox.add_dead_letter(other)
    assert await outbox.dead_letters(limit=10) == [other, first]
    assert await outbox.dead_letters(limit=1) == [other]
    assert await outbox.delete_dead_letters(START) == 0
    await prune(outbox, other.at + DEAD_LETTER_RETENTION)
    assert await outbox.dead_letters(limit=10) == [other]
    assert await outbox.delete_dead_letters(START + timedelta(days=3)) == 1
