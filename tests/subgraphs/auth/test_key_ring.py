from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from servicekit.errors import ConfigurationError
from subgraphs.auth.key_ring import READ_AGAIN, KeyRing
from subgraphs.auth.signing_keys import PUBLISH_AFTER, PUBLISH_AHEAD, SIGNING_LIFETIME, KeyVault
from subgraphs.auth.store.sqlite import SqliteAuthStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteAuthStore]:
    store = await SqliteAuthStore.open_file(path / "auth.sqlite3")
    try:
        yield store
    finally:
        await store.close()


def ring(store: SqliteAuthStore, clock: Clock, secret: str = "s" * 32) -> KeyRing:
    return KeyRing(store, KeyVault(secret), clock=clock)


async def published_ids(keys: KeyRing) -> list[str]:
    return [jwk["kid"] for jwk in await keys.public_keys()]


async def test_the_first_key_signs_at_once_and_is_the_same_for_all_processes(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        rings = [ring(store, clock) for store in (one, other, one, other)]
        signers = await asyncio.gather(*(keys.signer() for keys in rings))
        assert len({key_id for key_id, _ in signers}) == 1
        assert await published_ids(rings[0]) == [signers[0][0]]


async def test_only_public_keys_are_published(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        (jwk,) = await ring(store, Clock()).public_keys()
    assert jwk.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}


async def test_a_new_key_signs_once_every_verifier_can_know_it(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store, opened(tmp_path) as of_the_command_line:
        running = ring(store, clock)
        old, _ = await running.signer()
        new = (await ring(of_the_command_line, clock).rotate()).id
        clock.now += READ_AGAIN
        assert await published_ids(running) == [old, new]
        assert (await running.signer())[0] == old
        clock.now = START + PUBLISH_AHEAD
        assert (await running.signer())[0] == new
        assert await running.key(old) is not None
        clock.now += PUBLISH_AFTER
        assert await published_ids(running) == [new]
        assert await running.key(old) is None
        assert [key.id for key in await store.signing_keys()] == [new]


async def test_a_withdrawn_key_is_invalid_within_seconds(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store, opened(tmp_path) as of_the_command_line:
        running = ring(store, clock)
        old, _ = await running.signer()
        new = (await ring(of_the_command_line, clock).rotate(withdraw=True)).id
        clock.now += READ_AGAIN
        assert (await running.signer())[0] == new
        assert await running.key(old) is None
        assert await published_ids(running) == [new]


async def test_keys_are_replaced_without_a_command(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store:
        keys = ring(store, clock)
        first, _ = await keys.signer()
        clock.now = START + SIGNING_LIFETIME - PUBLISH_AHEAD
        _, second = await published_ids(keys)
        assert (await keys.signer())[0] == first
        clock.now = START + SIGNING_LIFETIME
        assert (await keys.signer())[0] == second


async def test_after_a_long_pause_the_old_key_signs_until_its_successor_may(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store:
        keys = ring(store, clock)
        first, _ = await keys.signer()
        clock.now = START + 12 * SIGNING_LIFETIME
        assert (await keys.signer())[0] == first
        clock.now += PUBLISH_AHEAD
        assert (await keys.signer())[0] != first


async def test_the_store_is_not_read_for_every_token(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store:
        keys = ring(store, clock)
        await keys.signer()
        await store.close()
        await keys.signer()
        clock.now += READ_AGAIN - timedelta(milliseconds=1)
        await keys.public_keys()
        clock.now += timedelta(milliseconds=1)
        with pytest.raises(ValueError, match="no active connection"):
            await keys.public_keys()


async def test_another_secret_is_named_as_the_reason(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await ring(store, Clock()).signer()
        with pytest.raises(ConfigurationError, match="AUTH_JWT_SECRET"):
            await ring(store, Clock(), secret="x" * 32).signer()


async def test_concurrent_rotations_all_happen(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await ring(one, clock).signer()
        made = await asyncio.gather(*(ring(store, clock).rotate() for store in (one, other, one, other)))
        assert {key.id for key in made} < {key.id for key in await one.signing_keys()}
