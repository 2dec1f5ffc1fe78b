"""Windows in Redis, and that they are the same as those in memory."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from subgraphs.transaction.fraud.windows.memory import MemoryWindows
from subgraphs.transaction.fraud.windows.protocol import IDLE_MILLISECONDS, REPEAT_MILLISECONDS, WindowsUnavailable
from subgraphs.transaction.fraud.windows.redis_windows import RedisWindows
from subgraphs.transaction.fraud.windows.series import DAY, HOUR, MINUTE, Question, Read, Series, Write, tally
from tests.subgraphs.transaction.fraud.windows.windows_contract import (
    CONTRACT,
    HOURLY,
    NOW,
    PAYEES,
    USER,
    ids,
    known,
    observe,
    total,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from mosafe.local_servers.redis_server import RedisServer
    from subgraphs.transaction.fraud.windows.protocol import Windows


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[RedisWindows]:
    windows = RedisWindows(url)
    try:
        yield windows
    finally:
        await windows.aclose()


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
async def test_contract(check: Callable[[Windows], Awaitable[None]], redis_url: str) -> None:
    async with opened(redis_url) as windows:
        await check(windows)


async def test_two_processes_share_the_windows(redis_url: str) -> None:
    async with opened(redis_url) as one, opened(redis_url) as other:
        await known(one, HOURLY)
        order = next(ids)
        await observe(one, Write(HOURLY, NOW, units=2), of=order)
        await observe(other, Write(HOURLY, NOW, units=2), of=order)
        await observe(other, Write(HOURLY, NOW, units=3))
        assert await total(one) == await total(other) == (2, 5)


async def test_a_flushed_redis_has_unknown_series_only(redis_url: str) -> None:
    async with opened(redis_url) as windows:
        await known(windows, HOURLY, PAYEES)
        await observe(windows, Write(HOURLY, NOW, units=2))
        with Redis.from_url(redis_url) as client:
            client.flushall()
        reads = [Read(HOURLY, Question.TALLY), Read(PAYEES, Question.MEMBERS)]
        assert set((await windows.observe(next(ids), NOW, [], reads)).unknown) == {HOURLY, PAYEES}


async def test_every_key_expires_and_has_no_id_in_it(redis_url: str) -> None:
    async with opened(redis_url) as windows:
        await known(windows, HOURLY, PAYEES)
        await observe(windows, Write(HOURLY, NOW, units=2))
        await observe(windows, Write(PAYEES, NOW, member="a"))
    with Redis.from_url(redis_url, decode_responses=True) as client:
        keys = list(client.scan_iter())
        assert len(keys) == 4
        for key in keys:
            longest = REPEAT_MILLISECONDS if ":seen:" in key else IDLE_MILLISECONDS
            assert 0 < client.pttl(key) <= longest
            assert USER.id not in key


async def test_slots_outside_of_the_window_are_deleted(redis_url: str) -> None:
    async with opened(redis_url) as windows:
        await known(windows, HOURLY)
        for minutes in range(0, 60 * 3, 5):
            await observe(windows, Write(HOURLY, NOW + minutes * MINUTE, units=2))
            await total(windows, at=NOW + minutes * MINUTE)
    with Redis.from_url(redis_url, decode_responses=True) as client:
        (series,) = (key for key in client.scan_iter() if client.type(key) == "hash")
        assert client.hlen(series) <= 2 + 2 * 13


async def test_a_redis_that_does_not_respond_is_unavailable() -> None:
    async with opened("redis://127.0.0.1:1/0") as windows:
        for _ in range(2):
            with pytest.raises(WindowsUnavailable):
                await total(windows)
        with pytest.raises(WindowsUnavailable):
            await windows.forget_all()


async def test_the_script_is_loaded_again_after_a_restart_of_redis(redis_url: str) -> None:
    async with opened(redis_url) as windows:
        await known(windows, HOURLY)
        with Redis.from_url(redis_url) as client:
            client.script_flush()
        assert await total(windows) == (0, 0)


SERIES = (HOURLY, tally(USER, "orders", "24h"), Series(USER, "few", DAY, cap=2), Series(USER, "many", HOUR, cap=50))
MEMBERS = ("a", "b", "c")
ORDERS = st.tuples(
    st.integers(0, 5),  # few transactions, so that many are repeated
    st.sampled_from(SERIES),
    st.integers(0, 2 * DAY).map(lambda ago: -ago) | st.integers(0, 3 * HOUR),
    st.integers(0, 2**63 - 1),
    st.sampled_from(MEMBERS),
    st.booleans(),
)


@settings(max_examples=15, deadline=None)
@given(orders=st.lists(ORDERS, max_size=25), filled=st.sets(st.sampled_from(SERIES)), split=st.integers(0, 25))
async def test_redis_and_memory_are_the_same(
    redis_server: RedisServer, orders: list[tuple[int, Series, int, int, str, bool]], filled: set[Series], split: int
) -> None:
    """Orders in any order of time, repeated, written to known and unknown series, before and after `forget_all`."""
    with Redis.from_url(redis_server.url) as client:
        client.flushall()
    memory = MemoryWindows()
    async with opened(redis_server.url) as shared:
        for number, (transaction, series, at, units, member, tagged) in enumerate(orders):
            write = Write(series, NOW + at, units, member, f"{transaction}" if tagged else "")
            reads = [
                Read(each, question, member)
                for each in sorted(filled, key=lambda each: each.key)
                for question in (
                    (Question.TALLY,) if each.is_tally else (Question.MEMBERS, Question.LAST, Question.OTHER)
                )
            ]
            if number == split:
                await memory.forget_all()
                await shared.forget_all()
            results = []
            for windows in (memory, shared):
                observation = await windows.observe(f"{transaction}", NOW, [write], reads)
                for each, token in observation.unknown.items():
                    await windows.fill(each, token, NOW, [])
                results.append((observation.readings, set(observation.unknown)))
            assert results[0] == results[1]
