"""The list of revoked sessions in Redis. It must not bring a session back, whatever happens to the Redis.

Covers `bank/redis_revocation.py` and `servicekit/redis_run.py`.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from structlog.testing import capture_logs

from bank import redis_revocation
from bank.redis_revocation import EndedSession, RedisRevocationList
from mosafe.local_servers.redis_server import RedisServer
from servicekit.errors import StoreFailure
from tests.bank.revocation_contract import RevocationContract, later
from tests.servers import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from tests.bank.revocation_contract import OpenList

ISSUER = "https://bank.example"
PATTERN = "mosafe:{revocations}:*"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, a Redis that responds late is not taken for one that fails. Errors cause no pause."""
    monkeypatch.setattr(redis_revocation, "TIMEOUT_SECONDS", 10.0)
    monkeypatch.setattr(redis_revocation, "CALL_SECONDS", 20.0)
    monkeypatch.setattr(redis_revocation, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may kill."""
    with running(RedisServer(tmp_path)) as server:
        yield server


@asynccontextmanager
async def opened(url: str, issuer: str = ISSUER) -> AsyncIterator[RedisRevocationList]:
    listed = RedisRevocationList(url, issuer)
    try:
        yield listed
    finally:
        await listed.aclose()


async def nobody() -> Sequence[EndedSession]:
    return ()


async def s1_has_ended() -> Sequence[EndedSession]:
    return [EndedSession("s1", later())]


class TestRedis(RevocationContract):
    @pytest.fixture
    async def open_list(self, redis_url: str) -> OpenList:
        async with opened(redis_url) as listed:
            assert await listed.complete(nobody)
        return lambda: opened(redis_url)


async def is_unknown(listed: RedisRevocationList, session_id: str = "alive") -> bool:
    """Whether the list fails closed."""
    try:
        assert not await listed.is_revoked(session_id)
    except StoreFailure:
        return True
    return False


async def test_a_list_that_nobody_has_completed_lets_nobody_in(redis_url: str) -> None:
    async with opened(redis_url) as listed:
        assert not (await listed.state()).is_complete
        with pytest.raises(StoreFailure) as failure:
            await listed.is_revoked("s1")
        assert failure.value.explanation.endswith("does not have all ended sessions yet; the auth service adds them")
        await listed.revoke("s1", later())
        assert await listed.is_revoked("s1")
        assert await is_unknown(listed)
        assert await listed.complete(nobody)
        assert (await listed.state()).is_complete
        assert not await listed.is_revoked("alive")
        assert await listed.is_revoked("s1")


async def test_a_flush_brings_no_session_back(redis_url: str) -> None:
    async with opened(redis_url) as listed, opened(redis_url) as auth:
        await auth.complete(nobody)
        await auth.revoke("s1", later())
        with Redis.from_url(redis_url) as redis:
            redis.flushall()
        assert await is_unknown(listed, "s1")
        assert await auth.complete(s1_has_ended)
        assert await listed.is_revoked("s1")
        assert not await listed.is_revoked("alive")


async def test_a_restart_from_an_older_copy_brings_no_session_back(server: RedisServer) -> None:
    """The copy has the mark, but not the session that ended after it was made."""
    async with opened(server.url) as listed, opened(server.url) as auth:
        await auth.complete(nobody)
        assert not await listed.is_revoked("s1")
        with Redis.from_url(server.url) as redis:
            redis.save()
            await auth.revoke("s1", later())
            (server.folder / "copy").write_bytes((server.folder / "dump.rdb").read_bytes())
        server.kill()
        (server.folder / "dump.rdb").write_bytes((server.folder / "copy").read_bytes())
        server.start()
        with Redis.from_url(server.url) as redis:
            assert any(redis.scan_iter(PATTERN))
        assert await is_unknown(listed, "s1")
        assert not (await listed.state()).is_complete
        assert await auth.complete(s1_has_ended)
        assert await listed.is_revoked("s1")
        assert not await listed.is_revoked("alive")


async def test_a_killed_redis_lets_nobody_in_and_a_new_one_is_found(server: RedisServer) -> None:
    async with opened(server.url) as listed, opened(server.url) as auth:
        await auth.complete(nobody)
        assert not await listed.is_revoked("alive")
        server.kill()
        with capture_logs() as lines:
            for _ in range(3):
                assert await is_unknown(listed)
            with pytest.raises(StoreFailure):
                await auth.revoke("s1", later())
            server.start()
            assert await is_unknown(listed)
            assert await auth.complete(s1_has_ended)
            assert not await listed.is_revoked("alive")
            assert await listed.is_revoked("s1")
    events = [line["event"] for line in lines]
    assert events.count("revocation list unavailable") == 2  # once for each list, not for each request
    assert events.count("the revocation list is available again") == 2
    reasons = [line["explanation"] for line in lines if "explanation" in line]
    assert all("does not respond (ConnectionError)" in reason for reason in reasons)


async def test_many_first_requests_after_a_restart_find_the_new_run(server: RedisServer) -> None:
    """Each opens a connection, and one of them is the first to learn of the new run."""
    async with opened(server.url) as listed, opened(server.url) as auth:
        await auth.complete(nobody)
        assert not any(await asyncio.gather(*(listed.is_revoked(f"s{n}") for n in range(30))))
        server.kill()
        server.start()
        await auth.complete(nobody)
        assert not any(await asyncio.gather(*(listed.is_revoked(f"s{n}") for n in range(30))))


async def test_a_redis_that_hangs_does_not_hold_a_request(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_revocation, "TIMEOUT_SECONDS", 600.0)
    async with opened(server.url) as listed:
        await listed.complete(nobody)
        monkeypatch.setattr(redis_revocation, "CALL_SECONDS", 0.1)
        server.pause()
        async with asyncio.timeout(60):
            assert await is_unknown(listed)
        server.resume()
        monkeypatch.setattr(redis_revocation, "CALL_SECONDS", 20.0)
        assert not await listed.is_revoked("alive")


async def test_after_an_error_no_command_is_sent_for_a_while(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(server.url) as listed:
        await listed.complete(nobody)
        monkeypatch.setattr(redis_revocation, "PAUSE_SECONDS", 3600.0)
        server.kill()
        assert await is_unknown(listed)
        server.start()
        with pytest.raises(StoreFailure) as failure:
            await listed.is_revoked("alive")
        assert failure.value.explanation.endswith("has just failed")


async def test_of_several_processes_one_completes_the_list(redis_url: str) -> None:
    asked = 0
    may_go_on = asyncio.Event()

    async def slowly() -> Sequence[EndedSession]:
        nonlocal asked
        asked += 1
        await may_go_on.wait()
        return await s1_has_ended()

    async with opened(redis_url) as one, opened(redis_url) as other:
        first = asyncio.ensure_future(one.complete(slowly))
        while not asked:
            await asyncio.sleep(0)
        assert not await other.complete(slowly)
        assert await is_unknown(other)
        may_go_on.set()
        assert await first
        assert asked == 1
        assert await other.is_revoked("s1")
        assert await other.complete(nobody)


@pytest.mark.parametrize("sessions", [0, 1200])
async def test_a_flush_while_the_list_is_completed_leaves_it_incomplete(redis_url: str, sessions: int) -> None:
    """The entries before the flush are lost, also those of other processes, so the mark must not be set."""

    async def flushed_meanwhile() -> Sequence[EndedSession]:
        with Redis.from_url(redis_url) as redis:
            redis.flushall()
        return [EndedSession(f"s{n}", later()) for n in range(sessions)]

    async with opened(redis_url) as listed:
        assert not await listed.complete(flushed_meanwhile)
        assert await is_unknown(listed)
        assert await listed.complete(nobody)


async def test_a_restart_while_the_list_is_completed_leaves_it_incomplete(server: RedisServer) -> None:
    """The copy with which the server restarts has the lock, but not all entries."""

    async def restarted_meanwhile() -> Sequence[EndedSession]:
        with Redis.from_url(server.url) as redis:
            redis.save()
        server.kill()
        server.start()
        return ()

    async with opened(server.url) as listed:
        assert not await listed.complete(restarted_meanwhile)
        assert await is_unknown(listed)


async def test_all_entries_of_a_long_list_are_added(redis_url: str) -> None:
    async def many() -> Sequence[EndedSession]:
        return [EndedSession(f"s{n}", later()) for n in range(1234)]

    async with opened(redis_url) as listed:
        assert await listed.complete(many)
        assert all([await listed.is_revoked(f"s{n}") for n in (0, 499, 500, 999, 1000, 1233)])
    with Redis.from_url(redis_url) as redis:
        assert redis.dbsize() == 1234 + 1


async def test_an_entry_is_kept_until_its_latest_expiry_and_the_mark_ends_before(redis_url: str) -> None:
    async with opened(redis_url) as listed:
        await listed.complete(nobody)
        for seconds in (86_000, 86_400, 50):
            await listed.revoke("s1", later(seconds))
        await listed.revoke("s2", time.time() - 50)  # the clock of the caller is behind: the entry is still set
        await listed.state()
    with Redis.from_url(redis_url) as redis:
        lives = {key.rpartition(b":")[2]: redis.ttl(key) for key in redis.scan_iter(PATTERN)}
    assert 86_000 < lives[b"s1"] <= 86_400
    assert 43_000 < lives[b"complete"] <= 43_200


async def test_the_state_renews_a_mark(redis_url: str) -> None:
    async with opened(redis_url) as listed:
        await listed.complete(nobody)
        with Redis.from_url(redis_url) as redis:
            (mark,) = redis.scan_iter(PATTERN)
            redis.expire(mark, 60)
            assert (await listed.state()).is_complete
            assert redis.ttl(mark) > 43_000
            redis.delete(mark)
            assert not (await listed.state()).is_complete
            assert redis.dbsize() == 0


async def test_another_issuer_has_another_list(redis_url: str) -> None:
    async with opened(redis_url) as listed, opened(redis_url, "https://other.example") as other:
        await listed.complete(s1_has_ended)
        assert await is_unknown(other, "s1")
        await other.complete(nobody)
        assert not await other.is_revoked("s1")


async def test_the_state_tells_how_many_keys_were_evicted(redis_url: str) -> None:
    async with opened(redis_url) as listed:
        before = (await listed.state()).evicted
        with Redis.from_url(redis_url) as redis:
            try:
                redis.config_set("maxmemory-policy", "allkeys-random")
                redis.set("large", "x" * 1000)
                redis.config_set("maxmemory", 1)
                while (await listed.state()).evicted == before:
                    await asyncio.sleep(0.01)
            finally:
                redis.config_set("maxmemory", 0)
                redis.config_set("maxmemory-policy", "noeviction")


async def test_no_password_is_in_an_error_or_in_the_log() -> None:
    with capture_logs() as lines:
        async with opened("redis://ann:hunter2@127.0.0.1:1/0") as listed:
            with pytest.raises(StoreFailure) as failure:
                await listed.is_revoked("s1")
    assert "127.0.0.1:1" in failure.value.explanation
    assert "hunter2" not in f"{failure.value.explanation} {failure.value} {lines}"
