"""The store of limits in Redis keeps the contract, and the limits go on without Redis as configured.

Covers `servicekit/redis_rate_limits.py` and `servicekit/rate_limit_script.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from structlog.testing import capture_logs

from mosafe.local_servers.redis_server import RedisServer
from servicekit import rate_limit_script, redis_rate_limits
from servicekit.errors import Unavailable
from servicekit.rate_limits import Mode, RateLimit
from servicekit.redis_rate_limits import CountsUnavailable, RedisRateLimitStore, SharedRateLimitStore
from tests.servers import running
from tests.servicekit.rate_limit_contract import DOUBLING, PLAIN, Counters, RateLimitContract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SECRET = b"a secret of the tests"
CLOCK = "the clock of the tests"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, a Redis that responds late is not taken for one that fails."""
    monkeypatch.setattr(redis_rate_limits, "TIMEOUT_SECONDS", 10.0)
    monkeypatch.setattr(redis_rate_limits, "CALL_SECONDS", 20.0)


class TestRedis(RateLimitContract):
    @pytest.fixture
    async def counters(self, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counters]:
        """The script reads the time from a key that the test sets, instead of the clock of Redis."""
        script = rate_limit_script.SCRIPT
        assert "redis.call('TIME')" in script
        from_key = f"{{redis.call('HGET', '{CLOCK}', 's'), redis.call('HGET', '{CLOCK}', 'us')}}"
        monkeypatch.setattr(rate_limit_script, "SCRIPT", script.replace("redis.call('TIME')", from_key))
        store = RedisRateLimitStore(redis_url, SECRET)
        with Redis.from_url(redis_url) as redis:
            redis.hset(CLOCK, mapping={"s": 1_790_000_000, "us": 123_456})
            yield Counters(store, lambda seconds: _advance(redis, seconds))
        await store.aclose()


def _advance(redis: Redis, seconds: float) -> None:
    redis.hincrby(CLOCK, "us", round(seconds * 1_000_000))


@asynccontextmanager
async def opened(url: str, secret: bytes = SECRET) -> AsyncIterator[RedisRateLimitStore]:
    store = RedisRateLimitStore(url, secret)
    try:
        yield store
    finally:
        await store.aclose()


async def test_processes_share_their_counts(redis_url: str) -> None:
    async with opened(redis_url) as one, opened(redis_url) as other:
        taken = await asyncio.gather(*((one, other)[n % 2].take(PLAIN, "ann") for n in range(20)))
        assert sum(each.is_allowed for each in taken) == 3
        assert await other.level(PLAIN, "ann") > 2


async def test_redis_has_no_key_of_a_client_and_forgets_each_count_with_its_debt(redis_url: str) -> None:
    async with opened(redis_url) as store, opened(redis_url, b"another secret") as stranger:
        await store.take(PLAIN, "ann@example.com")
        await store.take(DOUBLING, "ann@example.com")
        await store.wait_turn("turn", "ann@example.com", 10)
        assert await stranger.level(PLAIN, "ann@example.com") == 0
    with Redis.from_url(redis_url) as redis:
        keys = list(redis.scan_iter("mosafe:limit:*"))
        assert len(keys) == 3
        assert not any(b"ann" in key for key in keys)
        lives = {key.split(b":")[2]: redis.pttl(key) for key in keys}
    assert 0 < lives[b"plain"] <= 10_001
    assert 0 < lives[b"doubling"] <= 1_000_001
    assert 0 < lives[b"turn"] <= 910_001


async def test_a_count_without_debt_is_deleted(redis_url: str) -> None:
    async with opened(redis_url) as store:
        await store.take(PLAIN, "ann")
        await store.give_back(PLAIN, "ann")
    with Redis.from_url(redis_url) as redis:
        assert redis.dbsize() == 0


OPEN, CLOSED, LOCAL = (RateLimit(name, 2, 60) for name in ("open", "closed", "local"))


@asynccontextmanager
async def shared_on(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SharedRateLimitStore]:
    monkeypatch.setattr(redis_rate_limits, "PAUSE_SECONDS", 0.0)
    store = SharedRateLimitStore(RedisRateLimitStore(server.url, SECRET), Mode)
    try:
        yield store
    finally:
        await store.aclose()


async def test_without_redis_each_limit_does_what_its_mode_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(RedisServer(tmp_path)) as server, capture_logs() as lines:
        async with shared_on(server, monkeypatch) as store:
            for limit in (OPEN, CLOSED, LOCAL):
                assert (await store.take(limit, "ann")).is_allowed
            assert store.details() == {"shared": True, "failures": 0}
            server.kill()
            assert [(await store.take(OPEN, "ann")).is_allowed for _ in range(4)] == [True] * 4
            assert await store.level(OPEN, "ann") == 0
            with pytest.raises(Unavailable):
                await store.take(CLOSED, "ann")
            with pytest.raises(Unavailable):
                await store.level(CLOSED, "ann")
            with pytest.raises(Unavailable):
                await store.add(CLOSED, "ann")
            await store.give_back(CLOSED, "ann")
            assert [(await store.take(LOCAL, "ann")).is_allowed for _ in range(4)] == [True, True, False, False]
            await store.give_back(LOCAL, "ann")
            assert (await store.take(LOCAL, "ann")).is_allowed
            assert 0 < await store.wait_turn("local", "bob", 10) <= 10
            assert store.details() == {"shared": False, "failures": 16}
            server.start()
            assert (await store.take(LOCAL, "ann")).is_allowed
            assert store.details() == {"shared": True, "failures": 16}
    events = [(line["event"], line["log_level"]) for line in lines]
    assert events == [
        ("the limits are not shared, because Redis is away", "warning"),
        ("the limits are shared again", "info"),
    ]


async def test_after_an_error_no_command_is_sent_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(RedisServer(tmp_path)) as server:
        async with shared_on(server, monkeypatch) as store:
            monkeypatch.setattr(redis_rate_limits, "PAUSE_SECONDS", 3600.0)
            server.kill()
            assert (await store.take(LOCAL, "ann")).is_allowed
            server.start()
            assert (await store.take(LOCAL, "ann")).is_allowed
            assert not (await store.take(LOCAL, "ann")).is_allowed
            assert store.failures == 1
        with Redis.from_url(server.url) as redis:
            assert redis.dbsize() == 0


async def test_a_redis_that_hangs_does_not_hold_a_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_rate_limits, "TIMEOUT_SECONDS", 600.0)
    monkeypatch.setattr(redis_rate_limits, "CALL_SECONDS", 0.1)
    with running(RedisServer(tmp_path)) as server:
        async with opened(server.url) as store, asyncio.timeout(30):
            server.pause()
            with pytest.raises(CountsUnavailable, match="TimeoutError"):
                await store.take(PLAIN, "ann")
            server.resume()
