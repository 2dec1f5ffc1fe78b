"""One suite for every `TextStore`, and tests of the store in Redis.

Covers `router/storage/text_store.py`, `router/storage/memory_text_store.py`, `router/storage/redis_text_store.py` and
`servicekit/redis_client.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from redis import Redis
from structlog.testing import capture_logs

from mosafe.local_servers.redis_server import RedisServer
from router.settings.sections.apq import Redis as RedisSettings
from router.storage import redis_text_store
from router.storage.memory_text_store import MemoryStore
from router.storage.redis_text_store import RedisStore
from tests.loop_clock import pass_time
from tests.router.transport.scripted_server import Peer, serving
from tests.servers import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from router.storage.text_store import TextStore

ODD = 'query É { a(b: "\\u0000\U0001f600") }\r\n'


def settings(server: RedisServer, **changes: Any) -> RedisSettings:
    return RedisSettings.model_validate({"url": server.url, "timeout": "1s", **changes})


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[TextStore]:
    opened: TextStore
    if request.param == "memory":
        opened = MemoryStore(max_entries=100, max_bytes=10_000)
    else:
        opened = RedisStore(settings(request.getfixturevalue("redis_server"), prefix=f"{request.node.nodeid}:"))
    yield opened
    await opened.aclose()


async def test_a_stored_text_is_found_and_no_other(store: TextStore) -> None:
    await store.put("a", ODD)
    assert await store.get("a") == ODD
    assert await store.get("b") is None


async def test_the_last_stored_text_is_found(store: TextStore) -> None:
    await store.put("a", "1")
    await store.put("a", "2")
    assert await store.get("a") == "2"


async def test_many_tasks_can_use_a_store_at_once(store: TextStore) -> None:
    await asyncio.gather(*(store.put(str(number), str(number)) for number in range(50)))
    found = await asyncio.gather(*(store.get(str(number)) for number in range(50)))
    assert found == [str(number) for number in range(50)]


async def test_memory_is_limited_in_entries_and_bytes() -> None:
    memory = MemoryStore(max_entries=2, max_bytes=1_000)
    for key in "abc":
        await memory.put(key, "123")
    assert [await memory.get(key) for key in "abc"] == [None, "123", "123"]
    await memory.put("d", "d" * 800)
    assert [await memory.get(key) for key in "bcd"] == [None, None, "d" * 800]
    await memory.put("e", "\U0001f600" * 400)  # four bytes for each character
    assert await memory.get("e") is None


async def test_two_routers_share_a_redis(redis_server: RedisServer) -> None:
    one, other = RedisStore(settings(redis_server)), RedisStore(settings(redis_server))
    await one.put("shared", "text")
    assert await other.get("shared") == "text"
    await one.aclose()
    await other.aclose()


async def test_keys_have_the_configured_prefix_and_expiry(redis_server: RedisServer) -> None:
    store = RedisStore(settings(redis_server, prefix="mine:", ttl="100s"))
    await store.put("k", "v")
    await store.aclose()
    with Redis.from_url(redis_server.url) as client:
        assert client.get("mine:k") == b"v"
        assert client.ttl("mine:k") in range(95, 101)


async def test_values_that_are_not_text_are_not_found(redis_server: RedisServer) -> None:
    with Redis.from_url(redis_server.url) as client:
        client.set("mosafe:apq:broken", b"\xff\xfe")
        client.lpush("mosafe:apq:list", "x")
    store = RedisStore(settings(redis_server))
    assert await store.get("broken") is None
    await store.aclose()
    store = RedisStore(settings(redis_server))
    assert await store.get("list") is None
    await store.aclose()


async def test_a_stopped_redis_is_an_empty_store_until_it_restarts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_text_store, "PAUSE_SECONDS", 3_600.0)
    with running(RedisServer(tmp_path)) as server:
        store = RedisStore(settings(server))
        await store.put("k", "v")
        server.stop()
        with capture_logs() as lines:
            assert await store.get("k") is None
            await store.put("k", "v")
        assert len(lines) == 1  # the second call sent no command: the store is paused
        assert server.url not in str(lines)
        server.start()
        pass_time(monkeypatch, 3_600.0)
        await store.put("k", "v")
        assert await store.get("k") == "v"
        await store.aclose()


async def test_a_redis_that_hangs_costs_one_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_text_store, "PAUSE_SECONDS", 3_600.0)

    async def hang(peer: Peer) -> None:
        await peer.reader.read()

    async with serving(hang) as listening:
        url = f"redis://:secret@127.0.0.1:{urlsplit(listening.url).port}"
        store = RedisStore(RedisSettings.model_validate({"url": url, "timeout": "50ms"}))
        with capture_logs() as lines:
            for _ in range(20):
                assert await store.get("k") is None
        assert listening.connections == 2  # the client of Redis repeats its one command
        assert len(lines) == 1
        assert "secret" not in str(lines)
        await store.aclose()
