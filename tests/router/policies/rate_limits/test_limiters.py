"""One suite for the limiters in memory and in Redis, and what each does alone.

Covers `router/policies/rate_limits/limiter.py`, `router/policies/rate_limits/memory_limiter.py` and
`router/policies/rate_limits/redis_limiter.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from mosafe.local_servers.redis_server import RedisServer
from router.policies.rate_limits import redis_limiter
from router.policies.rate_limits.limiter import LimiterUnavailable, Quota, Use
from router.policies.rate_limits.memory_limiter import MemoryLimiter
from router.policies.rate_limits.redis_limiter import RedisLimiter
from router.settings.sections.rate_limits import RateLimitRedis
from tests.loop_clock import pass_time
from tests.servers import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from router.policies.rate_limits.limiter import Limiter

HOURLY = Quota("hourly", limit=5, period=3600.0, burst=5)
WIDE = Quota("wide", limit=1000, period=3600.0, burst=8)


def settings(url: str, **changes: object) -> RateLimitRedis:
    return RateLimitRedis.model_validate({"url": url, "timeout": "2s", "prefix": f"{uuid4()}:", **changes})


@pytest.fixture(params=["memory", "redis"])
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[Limiter]:
    opened: Limiter = (
        MemoryLimiter(100)
        if request.param == "memory"
        else RedisLimiter(settings(request.getfixturevalue("redis_server").url))
    )
    yield opened
    await opened.aclose()


async def waits(limiter: Limiter, *uses: Use) -> list[bool]:
    return [decision.wait > 0 for decision in await limiter.take(uses)]


async def test_a_client_may_use_the_burst_at_once_and_then_waits(limiter: Limiter) -> None:
    decisions = [(await limiter.take([Use("a", HOURLY)]))[0] for _ in range(6)]
    assert [decision.wait > 0 for decision in decisions] == [False] * 5 + [True]
    assert decisions[0].rate_limit == '"hourly";r=4;t=720'
    assert decisions[4].rate_limit == '"hourly";r=0;t=3600'
    assert decisions[5].wait == pytest.approx(720, abs=5)
    assert await waits(limiter, Use("b", HOURLY)) == [False]


async def test_the_wait_says_when_the_next_use_is_allowed(limiter: Limiter) -> None:
    quick = Quota("quick", limit=20, period=1.0, burst=1)
    assert await waits(limiter, Use("a", quick)) == [False]
    (decision,) = await limiter.take([Use("a", quick)])
    assert 0 < decision.wait <= 0.05
    await asyncio.sleep(decision.wait + 0.01)
    assert await waits(limiter, Use("a", quick)) == [False]


async def test_if_one_rule_refuses_none_counts(limiter: Limiter) -> None:
    for _ in range(5):
        await limiter.take([Use("a", HOURLY), Use("w", WIDE)])
    decisions = await limiter.take([Use("a", HOURLY), Use("w", WIDE)])
    assert [decision.wait > 0 for decision in decisions] == [True, False]
    assert [await waits(limiter, Use("w", WIDE)) for _ in range(4)] == [[False], [False], [False], [True]]


async def test_a_use_has_a_weight_of_at_most_the_burst(limiter: Limiter) -> None:
    assert await waits(limiter, Use("a", HOURLY, 3)) == [False]
    assert await waits(limiter, Use("a", HOURLY, 3)) == [True]
    assert await waits(limiter, Use("a", HOURLY, 2)) == [False]
    assert await waits(limiter, Use("b", HOURLY, 99)) == [False]
    assert await waits(limiter, Use("b", HOURLY)) == [True]


async def test_uses_at_the_same_time_are_counted_one_by_one(limiter: Limiter) -> None:
    found = await asyncio.gather(*(waits(limiter, Use("a", HOURLY)) for _ in range(30)))
    assert found.count([False]) == 5


async def test_memory_is_bounded_and_a_flood_frees_nobody() -> None:
    now = 0.0
    limiter = MemoryLimiter(100, lambda: now)
    for _ in range(5):
        await limiter.take([Use("heavy", HOURLY)])
    for number in range(1_000):
        await limiter.take([Use(f"k{number}", HOURLY)])
        assert len(limiter) <= 100
    assert await waits(limiter, Use("heavy", HOURLY)) == [True]
    now = 5_000.0
    assert await waits(limiter, Use("heavy", HOURLY)) == [False]


async def test_over_time_a_client_gets_the_limit_and_no_more() -> None:
    now = 0.0
    limiter = MemoryLimiter(100, lambda: now)
    rule, allowed = Quota("r", limit=10, period=1.0, burst=15), 0
    for step in range(1_000):
        now = step / 100
        allowed += await waits(limiter, Use("a", rule)) == [False]
    assert allowed == 15 + 99  # the burst, and ten in each of the ten seconds


async def test_limiters_share_their_counts_in_redis(redis_server: RedisServer) -> None:
    shared = settings(redis_server.url)
    limiters = [RedisLimiter(shared) for _ in range(4)]
    found = await asyncio.gather(*(waits(limiters[n % 4], Use("a", HOURLY)) for n in range(40)))
    assert found.count([False]) == 5
    for limiter in limiters:
        await limiter.aclose()


async def test_a_redis_that_is_killed_costs_one_error_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_limiter, "PAUSE_SECONDS", 3_600.0)
    with running(RedisServer(tmp_path)) as server:
        limiter = RedisLimiter(settings(server.url))
        assert await waits(limiter, Use("a", HOURLY)) == [False]
        server.kill()
        with pytest.raises(LimiterUnavailable, match="Error"):
            await limiter.take([Use("a", HOURLY)])
        with pytest.raises(LimiterUnavailable, match="paused"):
            await limiter.take([Use("a", HOURLY)])
        server.start()
        pass_time(monkeypatch, 3_600.0)
        assert await waits(limiter, Use("a", HOURLY)) == [False]
        await limiter.aclose()
