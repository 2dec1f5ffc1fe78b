from __future__ import annotations

import tracemalloc

import pytest

from servicekit.rate_limits import MemoryRateLimitStore, RateLimit
from tests.servicekit.rate_limit_contract import PLAIN, Counters, RateLimitContract


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class TestMemory(RateLimitContract):
    @pytest.fixture
    def counters(self) -> Counters:
        clock = Clock()
        return Counters(MemoryRateLimitStore(clock=clock), clock.advance)


async def test_a_flood_of_keys_does_not_fill_the_memory() -> None:
    store = MemoryRateLimitStore(max_keys=5_000)
    for number in range(5_000):
        await store.take(PLAIN, f"first {number}")
    tracemalloc.start()
    try:
        for number in range(50_000):
            await store.take(PLAIN, f"address {number}")
            assert len(store) <= 5_000
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 5_000 * 400


async def test_a_flood_of_keys_does_not_free_a_key_that_has_used_up_its_limit() -> None:
    store = MemoryRateLimitStore(max_keys=1_000)
    while (await store.take(PLAIN, "guesser")).is_allowed:
        pass
    for number in range(20_000):
        await store.take(PLAIN, f"address {number}")
    assert not (await store.take(PLAIN, "guesser")).is_allowed


async def test_keys_without_debt_are_forgotten() -> None:
    clock = Clock()
    store = MemoryRateLimitStore(max_keys=100, clock=clock)
    for number in range(100):
        await store.take(PLAIN, f"old {number}")
    clock.advance(1000)
    await store.take(PLAIN, "new")
    assert len(store) == 1


def test_a_refusal_names_the_policy_and_whole_seconds() -> None:
    refusal = RateLimit("login-account", 10, 900).refusal(0.2)
    assert refusal.retry_after == 1
    assert refusal.details == {"retryAfter": 1, "policy": '"login-account";q=10;w=900'}
