"""Windows in memory.

Covers `subgraphs/transaction/fraud/windows/series.py`.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from subgraphs.transaction.fraud.windows.memory import MemoryWindows
from subgraphs.transaction.fraud.windows.series import Question, Read, Scope, ScopeKind, Write, tally
from tests.subgraphs.transaction.fraud.windows.windows_contract import (
    CONTRACT,
    HOURLY,
    NOW,
    an_idle_series_is_unknown,
    ids,
    known,
    total,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from subgraphs.transaction.fraud.windows.protocol import Windows


@pytest.mark.parametrize("check", [*CONTRACT, an_idle_series_is_unknown], ids=lambda check: check.__name__)
async def test_contract(check: Callable[[Windows], Awaitable[None]]) -> None:
    await check(MemoryWindows())


async def test_a_full_memory_forgets_series_and_never_counts_them_from_zero() -> None:
    windows = MemoryWindows(max_series=10)
    for number in range(100):
        await known(windows, tally(Scope(ScopeKind.ACCOUNT, str(number)), "orders", "1h"))
    assert len(windows) == 10
    newest = tally(Scope(ScopeKind.ACCOUNT, "99"), "orders", "1h")
    oldest = tally(Scope(ScopeKind.ACCOUNT, "0"), "orders", "1h")
    reads = [Read(newest, Question.TALLY), Read(oldest, Question.TALLY)]
    assert set((await windows.observe(next(ids), NOW, [], reads)).unknown) == {oldest}


async def test_only_so_many_repetitions_are_noticed() -> None:
    windows = MemoryWindows(max_seen=2)
    await known(windows, HOURLY)
    orders = [next(ids) for _ in range(3)]
    for order in [*orders, orders[2], orders[0]]:
        await windows.observe(order, NOW, [Write(HOURLY, NOW, units=1)], [])
    # The first order counts twice: more than it should, never less.
    assert await total(windows) == (4, 4)


async def test_a_remembered_order_adds_no_object_that_the_garbage_collector_walks() -> None:
    windows = MemoryWindows()
    tallies = [tally(Scope(ScopeKind.ACCOUNT, str(number)), "orders", "1h") for number in range(7)]
    for series in tallies:
        await known(windows, series)

    async def observe(orders: int) -> int:
        for _ in range(orders):
            await windows.observe(next(ids), NOW, [Write(series, NOW, units=1) for series in tallies], [])
        for _ in range(2):  # a tuple is no longer walked one collection after the tuples in it
            gc.collect()
        return len(gc.get_objects())

    before = await observe(10)
    assert await observe(500) < before + 100
