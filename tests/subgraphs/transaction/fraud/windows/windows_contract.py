"""The contract of windows: each implementation runs `CONTRACT` unchanged, on windows that are empty at first.

Covers `subgraphs/transaction/fraud/windows/protocol.py`.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Final

from subgraphs.transaction.fraud.windows.protocol import (
    FILLING_MILLISECONDS,
    IDLE_MILLISECONDS,
    REPEAT_MILLISECONDS,
    Past,
)
from subgraphs.transaction.fraud.windows.series import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    SPANS,
    Question,
    Read,
    Reading,
    Scope,
    ScopeKind,
    Series,
    Write,
    member_key,
    tally,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from subgraphs.transaction.fraud.windows.protocol import Windows

NOW: Final = 1_772_366_400_000
USER: Final = Scope(ScopeKind.USER, "01920000-0000-7000-8000-000000000001")
HOURLY: Final = tally(USER, "orders", "1h")
PAYEES: Final = Series(USER, "payees", DAY, cap=3)
ids = (f"{number:024x}" for number in itertools.count(1))


async def known(windows: Windows, *series: Series, at: int = NOW, history: Sequence[Past] = ()) -> None:
    """Make the series known, with `history` in each of them."""
    reads = [Read(each, Question.TALLY if each.is_tally else Question.MEMBERS) for each in series]
    observation = await windows.observe(next(ids), at, [], reads)
    for each, token in observation.unknown.items():
        await windows.fill(each, token, at, history)


async def observe(windows: Windows, write: Write, *, at: int | None = None, of: str | None = None) -> None:
    await windows.observe(of or next(ids), write.at if at is None else at, [write], [])


async def read(windows: Windows, series: Series, question: Question, at: int, member: str = "") -> Reading:
    observation = await windows.observe(next(ids), at, [], [Read(series, question, member)])
    assert not observation.unknown
    return observation.readings[0]


async def total(windows: Windows, series: Series = HOURLY, at: int = NOW) -> tuple[int, int]:
    reading = await read(windows, series, Question.TALLY, at)
    return reading.count, reading.units


async def a_series_is_unknown_until_it_is_filled(windows: Windows) -> None:
    reads = [Read(HOURLY, Question.TALLY), Read(PAYEES, Question.MEMBERS)]
    first = await windows.observe(next(ids), NOW, [], reads)
    assert set(first.unknown) == {HOURLY, PAYEES}
    again = await windows.observe(next(ids), NOW, [], reads)
    assert again.unknown == first.unknown
    for series, token in first.unknown.items():
        await windows.fill(series, token, NOW, [])
    after = await windows.observe(next(ids), NOW, [], reads)
    assert after.unknown == {}
    assert [reading.count for reading in after.readings] == [0, 0]


async def an_order_is_counted_before_it_is_read(windows: Windows) -> None:
    await known(windows, HOURLY, PAYEES)
    writes = [Write(HOURLY, NOW, units=250), Write(PAYEES, NOW, member="a")]
    reads = [Read(HOURLY, Question.TALLY), Read(PAYEES, Question.MEMBERS)]
    observation = await windows.observe(next(ids), NOW, writes, reads)
    assert observation.readings == [Reading(1, 250), Reading(1)]


async def a_repeated_order_counts_once(windows: Windows) -> None:
    await known(windows, HOURLY)
    order = next(ids)
    for late in (0, 1, REPEAT_MILLISECONDS - 1):
        await observe(windows, Write(HOURLY, NOW, units=7), at=NOW + late, of=order)
    await observe(windows, Write(HOURLY, NOW, units=5))
    assert await total(windows) == (2, 12)


async def the_same_order_counts_in_each_series(windows: Windows) -> None:
    other = tally(USER, "other orders", "1h")
    await known(windows, HOURLY, other)
    order = next(ids)
    await observe(windows, Write(HOURLY, NOW, units=7), of=order)
    await observe(windows, Write(other, NOW, units=7), of=order)
    assert [await total(windows, HOURLY), await total(windows, other)] == [(1, 7), (1, 7)]


async def an_order_of_the_history_counts_once_when_it_is_observed(windows: Windows) -> None:
    """Before and after the fill, as it happens when two orders of a user are given at the same time."""
    before, after, old = next(ids), next(ids), next(ids)
    first = await windows.observe(next(ids), NOW, [], [Read(HOURLY, Question.TALLY)])
    await observe(windows, Write(HOURLY, NOW, units=1), of=before)
    history = [
        Past(before, Write(HOURLY, NOW, units=1)),
        Past(after, Write(HOURLY, NOW, units=10)),
        Past(old, Write(HOURLY, NOW - HOUR, units=100)),
    ]
    await windows.fill(HOURLY, first.unknown[HOURLY], NOW, history)
    await observe(windows, Write(HOURLY, NOW, units=10), of=after)
    assert await total(windows) == (3, 111)


async def a_second_fill_changes_nothing(windows: Windows) -> None:
    first = await windows.observe(next(ids), NOW, [], [Read(HOURLY, Question.TALLY)])
    for _ in range(2):
        await windows.fill(HOURLY, first.unknown[HOURLY], NOW, [Past(next(ids), Write(HOURLY, NOW, units=3))])
    assert await total(windows) == (1, 3)


async def a_fill_with_the_token_of_an_earlier_life_changes_nothing(windows: Windows) -> None:
    first = await windows.observe(next(ids), NOW, [], [Read(HOURLY, Question.TALLY)])
    await windows.forget_all()
    second = await windows.observe(next(ids), NOW, [], [Read(HOURLY, Question.TALLY)])
    await windows.fill(HOURLY, first.unknown[HOURLY], NOW, [Past(next(ids), Write(HOURLY, NOW, units=3))])
    await windows.fill(HOURLY, second.unknown[HOURLY], NOW, [Past(next(ids), Write(HOURLY, NOW, units=5))])
    assert await total(windows) == (1, 5)


async def an_abandoned_fill_begins_again(windows: Windows) -> None:
    first = await windows.observe(next(ids), NOW, [], [Read(HOURLY, Question.TALLY)])
    order = next(ids)
    await observe(windows, Write(HOURLY, NOW, units=3), of=order)
    later = NOW + FILLING_MILLISECONDS + 1
    second = await windows.observe(next(ids), later, [], [Read(HOURLY, Question.TALLY)])
    assert second.unknown[HOURLY] != first.unknown[HOURLY]
    await windows.fill(HOURLY, second.unknown[HOURLY], later, [Past(order, Write(HOURLY, NOW, units=3))])
    await observe(windows, Write(HOURLY, NOW, units=3), at=later, of=order)
    assert await total(windows, at=later) == (1, 3)


async def forgotten_series_are_unknown(windows: Windows) -> None:
    await known(windows, HOURLY, PAYEES)
    order = next(ids)
    await observe(windows, Write(HOURLY, NOW, units=3), of=order)
    await windows.forget_all()
    reads = [Read(HOURLY, Question.TALLY), Read(PAYEES, Question.MEMBERS)]
    assert set((await windows.observe(next(ids), NOW, [], reads)).unknown) == {HOURLY, PAYEES}
    await known(windows, HOURLY, history=[Past(order, Write(HOURLY, NOW, units=3))])
    await observe(windows, Write(HOURLY, NOW, units=3), of=order)
    assert await total(windows) == (1, 3)


async def a_write_to_an_unknown_series_is_dropped(windows: Windows) -> None:
    await observe(windows, Write(HOURLY, NOW, units=3))
    await known(windows, HOURLY)
    assert await total(windows) == (0, 0)


async def a_tally_contains_its_window_and_at_most_one_slot_more(windows: Windows) -> None:
    for window, (span, slot) in SPANS.items():
        series = tally(USER, "every", window)
        await known(windows, series)
        for at in (NOW - span - slot, NOW - span, NOW - span + 1, NOW - 1, NOW):
            await observe(windows, Write(series, at, units=1), at=NOW)
        assert await total(windows, series) == (4, 4)
        if span + slot < IDLE_MILLISECONDS:
            # Nothing is left when the slot of the newest order is over.
            assert await total(windows, series, NOW + span + slot) == (0, 0)


async def orders_of_the_future_count(windows: Windows) -> None:
    """The clock of this process was set back, or another process has a clock that is ahead."""
    await known(windows, HOURLY, PAYEES)
    await observe(windows, Write(HOURLY, NOW + DAY, units=3), at=NOW)
    await observe(windows, Write(PAYEES, NOW + DAY, member="a"), at=NOW)
    assert await total(windows) == (1, 3)
    assert (await read(windows, PAYEES, Question.MEMBERS, NOW - DAY)).count == 1


async def sums_are_exact(windows: Windows) -> None:
    await known(windows, HOURLY)
    largest = 2**63 - 1
    for units in (largest, largest, 1, 2**53 + 1, 999_999_999, 1_000_000_000):
        await observe(windows, Write(HOURLY, NOW, units=units))
    await known(windows, HOURLY)
    assert await total(windows) == (6, 2 * largest + 1 + 2**53 + 1 + 999_999_999 + 1_000_000_000)


async def the_history_of_a_tally_is_exact(windows: Windows) -> None:
    largest = 2**63 - 1
    history = [Past(next(ids), Write(HOURLY, NOW - ago, units=largest)) for ago in (0, MINUTE, HOUR, HOUR + MINUTE)]
    await known(windows, HOURLY, history=history)
    assert await total(windows) == (3, 3 * largest)


async def members_are_counted_once_by_their_last_time(windows: Windows) -> None:
    await known(windows, PAYEES)
    for at, member in ((NOW, "a"), (NOW - HOUR, "a"), (NOW - DAY, "b"), (NOW - DAY - 1, "c")):
        await observe(windows, Write(PAYEES, at, member=member), at=NOW)
    assert (await read(windows, PAYEES, Question.MEMBERS, NOW)).count == 2
    assert (await read(windows, PAYEES, Question.LAST, NOW, "a")).last == NOW
    assert (await read(windows, PAYEES, Question.LAST, NOW, "b")).last == NOW - DAY
    assert (await read(windows, PAYEES, Question.LAST, NOW, "c")).last is None
    assert (await read(windows, PAYEES, Question.MEMBERS, NOW + 1)).count == 1


async def the_oldest_members_are_forgotten_first(windows: Windows) -> None:
    history = [Past(next(ids), Write(PAYEES, NOW - 10 + number, member=f"m{number}")) for number in range(5)]
    await known(windows, PAYEES, history=list(reversed(history)))
    assert (await read(windows, PAYEES, Question.MEMBERS, NOW)).count == PAYEES.cap
    await observe(windows, Write(PAYEES, NOW, member="new"))
    lasts = [(await read(windows, PAYEES, Question.LAST, NOW, f"m{number}")).last for number in range(5)]
    assert lasts == [None, None, None, NOW - 7, NOW - 6]


async def another_order_with_the_same_member_is_found(windows: Windows) -> None:
    await known(windows, PAYEES)
    same, first, second = member_key("payee", "100"), next(ids), next(ids)

    async def others(order: str, at: int) -> Reading:
        writes = [Write(PAYEES, at, member=same, tag=order)]
        return (await windows.observe(order, at, writes, [Read(PAYEES, Question.OTHER, same)])).readings[0]

    assert await others(first, NOW) == Reading()
    assert await others(first, NOW + 1) == Reading()
    assert await others(second, NOW + 2) == Reading(1, last=NOW + 1)
    assert await others(next(ids), NOW + 2 + DAY) == Reading(1, last=NOW + 2)
    assert (await read(windows, PAYEES, Question.OTHER, NOW, member_key("payee", "101"))).last is None


async def an_idle_series_is_unknown(windows: Windows) -> None:
    await known(windows, HOURLY)
    later = NOW + IDLE_MILLISECONDS + SECOND
    observation = await windows.observe(next(ids), later, [], [Read(HOURLY, Question.TALLY)])
    assert set(observation.unknown) == {HOURLY}


async def orders_at_the_same_time_are_all_counted(windows: Windows) -> None:
    await known(windows, HOURLY)
    await asyncio.gather(*(observe(windows, Write(HOURLY, NOW, units=1)) for _ in range(50)))
    assert await total(windows) == (50, 50)


CONTRACT: Final[tuple[Callable[[Windows], Awaitable[None]], ...]] = (
    a_series_is_unknown_until_it_is_filled,
    an_order_is_counted_before_it_is_read,
    a_repeated_order_counts_once,
    the_same_order_counts_in_each_series,
    an_order_of_the_history_counts_once_when_it_is_observed,
    a_second_fill_changes_nothing,
    a_fill_with_the_token_of_an_earlier_life_changes_nothing,
    an_abandoned_fill_begins_again,
    forgotten_series_are_unknown,
    a_write_to_an_unknown_series_is_dropped,
    a_tally_contains_its_window_and_at_most_one_slot_more,
    orders_of_the_future_count,
    sums_are_exact,
    the_history_of_a_tally_is_exact,
    members_are_counted_once_by_their_last_time,
    the_oldest_members_are_forgotten_first,
    another_order_with_the_same_member_is_found,
    orders_at_the_same_time_are_all_counted,
)
