"""The contract of stores, and concurrent histories, through the cache while Redis is killed, flushed and paused.

Covers `subgraphs/account/cache/cached_reads.py`, `subgraphs/account/cache/invalidating_writes.py`,
`subgraphs/account/store/mongo_cache_epochs.py` and `subgraphs/account/store/sqlite_cache_epochs.py`.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from mosafe.local_servers.redis_server import RedisServer
from tests.servers import running
from tests.subgraphs.account.cache.replicas import cached_factory
from tests.subgraphs.account.linearizability import is_linearizable
from tests.subgraphs.account.store.test_linearizability import CLIENTS, STEPS, recorded
from tests.subgraphs.account.store_contract import CONTRACT
from tests.subgraphs.account.support import sqlite_factory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.subgraphs.account.support import StoreFactory


@pytest.mark.parametrize("check", CONTRACT, ids=lambda check: check.__name__)
async def test_contract(check: Callable[[StoreFactory], Awaitable[None]], tmp_path: Path, redis_url: str) -> None:
    await check(cached_factory(sqlite_factory(tmp_path / "account.sqlite3"), redis_url))


async def _disturb(server: RedisServer, chosen: random.Random) -> None:
    """Kill, flush and pause the server, until this task is cancelled."""
    while True:
        await asyncio.sleep(chosen.uniform(0, 0.05))
        kind = chosen.choice(["flush", "kill", "pause"])
        if kind == "flush":
            with Redis.from_url(server.url) as redis:
                redis.flushall()
        elif kind == "kill":
            server.kill()
            await asyncio.sleep(chosen.uniform(0, 0.1))
            server.start()
        else:
            server.pause()
            await asyncio.sleep(chosen.uniform(0, 0.4))
            server.resume()


@pytest.mark.usefixtures("short_times", "short_timeout")
@pytest.mark.parametrize("seed", range(2))
async def test_histories_are_linearizable_while_redis_fails(stores: StoreFactory, seed: int, tmp_path: Path) -> None:
    with running(RedisServer(tmp_path / "redis")) as server:
        disturbing = asyncio.create_task(_disturb(server, random.Random(seed)))
        try:
            history, start = await recorded(cached_factory(stores, server.url), seed)
        finally:
            assert disturbing.cancel(), disturbing.exception()
            await asyncio.wait({disturbing})
    assert len(history.operations) == CLIENTS * STEPS
    assert is_linearizable(history.operations, start)
