"""What every `RateLimitStore` promises; the test module of a store inherits these tests and provides `counters`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from servicekit.rate_limits import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicekit.rate_limits import RateLimitStore

PLAIN = RateLimit("plain", count=3, seconds=30)
DOUBLING = RateLimit("doubling", count=3, seconds=3000, doubling=20)


@dataclass(frozen=True)
class Counters:
    """A store, and a function that lets its clock go on by some seconds."""

    store: RateLimitStore
    advance: Callable[[float], None]


class RateLimitContract:
    async def test_as_many_events_as_the_count_are_allowed_at_once(self, counters: Counters) -> None:
        taken = [await counters.store.take(PLAIN, "ann") for _ in range(5)]
        assert [each.is_allowed for each in taken] == [True, True, True, False, False]
        assert [each.level for each in taken] == pytest.approx([1, 2, 3, 3, 3])
        assert taken[3].wait == pytest.approx(10)

    async def test_time_pays_events_back_one_by_one(self, counters: Counters) -> None:
        for _ in range(3):
            await counters.store.take(PLAIN, "ann")
        counters.advance(10)
        assert [(await counters.store.take(PLAIN, "ann")).is_allowed for _ in range(2)] == [True, False]
        counters.advance(1000)
        assert await counters.store.level(PLAIN, "ann") == 0
        assert [(await counters.store.take(PLAIN, "ann")).is_allowed for _ in range(4)] == [True] * 3 + [False]

    async def test_no_window_of_time_lets_twice_the_count_pass_at_its_edge(self, counters: Counters) -> None:
        allowed = 0
        for _ in range(60):
            allowed += (await counters.store.take(PLAIN, "ann")).is_allowed
            counters.advance(1)
        assert allowed == 3 + 5

    async def test_a_refused_event_is_not_counted(self, counters: Counters) -> None:
        for _ in range(100):
            await counters.store.take(PLAIN, "ann")
        counters.advance(10)
        assert (await counters.store.take(PLAIN, "ann")).is_allowed

    async def test_keys_and_limits_count_for_themselves(self, counters: Counters) -> None:
        for _ in range(3):
            await counters.store.take(PLAIN, "ann")
        assert (await counters.store.take(PLAIN, "bob")).is_allowed
        assert (await counters.store.take(DOUBLING, "ann")).is_allowed
        assert not (await counters.store.take(PLAIN, "ann")).is_allowed

    async def test_an_event_that_is_given_back_may_happen_again(self, counters: Counters) -> None:
        for _ in range(3):
            await counters.store.take(PLAIN, "ann")
        await counters.store.give_back(PLAIN, "ann")
        assert await counters.store.level(PLAIN, "ann") == pytest.approx(2)
        assert [(await counters.store.take(PLAIN, "ann")).is_allowed for _ in range(2)] == [True, False]

    async def test_nothing_can_be_given_back_in_advance(self, counters: Counters) -> None:
        for _ in range(5):
            await counters.store.give_back(PLAIN, "ann")
        assert await counters.store.level(PLAIN, "ann") == 0
        assert [(await counters.store.take(PLAIN, "ann")).is_allowed for _ in range(4)] == [True] * 3 + [False]

    async def test_waits_double_up_to_the_longest(self, counters: Counters) -> None:
        for _ in range(3):
            assert (await counters.store.take(DOUBLING, "ann")).is_allowed
        waits = []
        for _ in range(7):
            refused = await counters.store.take(DOUBLING, "ann")
            assert not refused.is_allowed
            waits.append(refused.wait)
            counters.advance(refused.wait)
            assert (await counters.store.take(DOUBLING, "ann")).is_allowed
        assert waits == pytest.approx([1, 2, 4, 8, 16, 20, 20])

    async def test_an_event_that_is_given_back_causes_no_wait(self, counters: Counters) -> None:
        for _ in range(3):
            await counters.store.take(DOUBLING, "ann")
        await counters.store.give_back(DOUBLING, "ann")
        assert (await counters.store.take(DOUBLING, "ann")).is_allowed

    async def test_waits_end_with_the_debt(self, counters: Counters) -> None:
        for _ in range(3):
            await counters.store.take(DOUBLING, "ann")
        counters.advance(3000)
        taken = [await counters.store.take(DOUBLING, "ann") for _ in range(4)]
        assert [each.is_allowed for each in taken] == [True] * 3 + [False]

    async def test_an_event_may_be_counted_beyond_the_limit(self, counters: Counters) -> None:
        assert [await counters.store.add(PLAIN, "ann") for _ in range(5)] == pytest.approx([1, 2, 3, 4, 5])
        counters.advance(30)
        assert await counters.store.level(PLAIN, "ann") == pytest.approx(2)

    async def test_a_turn_comes_once_and_does_not_move(self, counters: Counters) -> None:
        store = counters.store
        assert await store.wait_turn("turn", "ann", 10) == pytest.approx(10)
        counters.advance(4)
        assert await store.wait_turn("turn", "ann", 500) == pytest.approx(6)
        counters.advance(6)
        assert await store.wait_turn("turn", "ann", 10) == 0
        assert await store.wait_turn("turn", "ann", 10) == pytest.approx(10)
        assert await store.wait_turn("turn", "bob", 3) == pytest.approx(3)

    async def test_a_turn_that_nobody_takes_is_forgotten(self, counters: Counters) -> None:
        await counters.store.wait_turn("turn", "ann", 10)
        counters.advance(10_000)
        assert await counters.store.wait_turn("turn", "ann", 10) == pytest.approx(10)

    async def test_concurrent_events_do_not_exceed_the_count(self, counters: Counters) -> None:
        taken = await asyncio.gather(*(counters.store.take(PLAIN, "ann") for _ in range(50)))
        assert sum(each.is_allowed for each in taken) == 3

    @pytest.mark.parametrize("key", ["", "\ud800", "\0", "a" * 100_000])
    async def test_any_text_is_a_key(self, counters: Counters, key: str) -> None:
        assert (await counters.store.take(PLAIN, key)).level == pytest.approx(1)
