from __future__ import annotations

import asyncio
import gc
import sqlite3
import tempfile
import time
import weakref
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank.identity import AUDIENCE, TOKEN_TYPE, TokenVerifier
from bank.revocation import SqliteRevocationList
from servicekit.cautious_clock import CautiousClock
from servicekit.errors import ConfigurationError, Unauthenticated
from subgraphs.auth.key_ring import READ_AGAIN, KeyInUse, KeyRing
from subgraphs.auth.resealing import Resealing
from subgraphs.auth.signing_keys import (
    PUBLISH_AFTER,
    PUBLISH_AHEAD,
    SIGNING_LIFETIME,
    Algorithm,
    KeyVault,
    SigningKey,
)
from subgraphs.auth.store.sqlite import SqliteAuthStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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


async def test_a_key_is_one_object_until_it_is_withdrawn(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store:
        keys = ring(store, clock)
        old, _ = await keys.signer()
        key = await keys.key(old)
        clock.now += READ_AGAIN
        assert key is not None
        assert await keys.key(old) is key
        kept = weakref.ref(key)
        del key
        new = (await keys.rotate(withdraw=True)).id
        assert await keys.key(old) is None
        assert await keys.key(new) is await keys.key(new)
        gc.collect()
        assert kept() is None


async def test_a_verifier_verifies_the_signature_of_a_token_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    with closing(SqliteRevocationList(tmp_path)) as revocations:
        async with opened(tmp_path) as store:
            keys = ring(store, clock)
            now = int(time.time())
            claims = {"iss": "http://auth.test", "aud": AUDIENCE, "sub": "user-1", "sid": "s"}
            token = await keys.sign(claims | {"iat": now, "exp": now + 60}, TOKEN_TYPE)
            verifier = TokenVerifier(issuer="http://auth.test", keys=keys, revocations=revocations)
            caller = await verifier.verify(token)
            with monkeypatch.context() as patched:
                patched.setattr(jwt, "decode", None)  # a call would raise an error
                assert await verifier.verify(token) is caller
            await keys.rotate(withdraw=True)
            clock.now += READ_AGAIN
            with pytest.raises(Unauthenticated):
                await verifier.verify(token)


async def test_a_key_is_retired_unless_its_tokens_are_valid(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store, opened(tmp_path) as of_the_command_line:
        running, operator = ring(store, clock), ring(of_the_command_line, clock)
        old, _ = await running.signer()
        assert await operator.retire("unknown") is None
        assert await operator.retire(old) == KeyInUse(None)
        unused = await operator.rotate()
        assert await operator.retire(unused.id) == unused
        new = await operator.rotate()
        clock.now = new.active_from
        assert await operator.retire(old) == KeyInUse(new.active_from + PUBLISH_AFTER)
        assert await published_ids(running) == [old, new.id]
        retired = await operator.retire(old, at_once=True)
        assert retired is not None
        clock.now += READ_AGAIN
        assert await running.key(old) is None
        assert await published_ids(running) == [new.id]


@pytest.mark.parametrize("has_successor", [True, False])
async def test_if_the_key_that_signs_is_retired_another_signs_at_once(tmp_path: Path, *, has_successor: bool) -> None:
    clock = Clock()
    async with opened(tmp_path) as store, opened(tmp_path) as of_the_command_line:
        running, operator = ring(store, clock), ring(of_the_command_line, clock)
        old, _ = await running.signer()
        successor = (await operator.rotate()).id if has_successor else None
        retired = await operator.retire(old, at_once=True)
        assert isinstance(retired, SigningKey)
        clock.now += READ_AGAIN
        signer, _ = await running.signer()
        assert signer != old
        assert await published_ids(running) == [signer]
        assert successor in {None, signer}


async def test_another_algorithm_signs_after_its_key_was_published(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store:
        old, _ = await ring(store, clock).signer()
        keys = KeyRing(store, KeyVault("s" * 32, "EdDSA"), clock=clock)
        assert jwt.get_unverified_header(await keys.sign({}, "at+jwt"))["kid"] == old
        _, new = await published_ids(keys)
        clock.now += PUBLISH_AHEAD
        header = jwt.get_unverified_header(await keys.sign({"sub": "ann"}, "at+jwt"))
        assert header == {"alg": "EdDSA", "kid": new, "typ": "at+jwt"}
        assert len(await store.signing_keys()) == 2


async def test_processes_with_different_algorithms_do_not_add_keys_without_end(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store:
        for number in range(100):
            algorithm: Algorithm = "EdDSA" if number % 2 else "ES256"
            await KeyRing(store, KeyVault("s" * 32, algorithm), clock=clock).signer()
            clock.now += READ_AGAIN
        assert len(await store.signing_keys()) == 2


async def test_a_running_service_adds_no_key_with_a_secret_that_was_replaced(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store:
        running = ring(store, clock)
        first, _ = await running.signer()
        await store.reseal(Resealing("s" * 32, "n" * 32))
        clock.now += SIGNING_LIFETIME
        assert (await running.signer())[0] == first
        assert [key.id for key in await store.signing_keys()] == [first]
        restarted = ring(store, clock, secret="n" * 32)
        assert (await restarted.signer())[0] == first
        assert len(await store.signing_keys()) == 2


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
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
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


async def test_a_clock_that_is_set_back_stops_nobody(tmp_path: Path) -> None:
    """Holds issue 12, number 15: no key was active, login was 500 and the service did not start."""
    clock = Clock()
    async with opened(tmp_path) as store:
        keys = ring(store, clock)
        first, _ = await keys.signer()
        for back in (timedelta(seconds=20), timedelta(minutes=10), timedelta(days=31), timedelta(days=20_000)):
            clock.now = START - back
            for of_a_process in (keys, ring(store, clock)):
                assert (await of_a_process.signer())[0] == first
                assert await published_ids(of_a_process) == [first]
        clock.now = START
        assert (await keys.signer())[0] == first
        assert first in await published_ids(keys)


async def test_keys_go_on_after_a_clock_that_was_ahead(tmp_path: Path) -> None:
    """Holds issue 12, number 15: after half an hour 31 days ahead, the only key signed in 31 days."""
    clock = Clock()
    async with opened(tmp_path) as store:
        await ring(store, clock).signer()
        clock.now = START + timedelta(days=31)
        for _ in range(6):  # half an hour
            await ring(store, clock).signer()
            clock.now += timedelta(minutes=6)
        clock.now = START + timedelta(minutes=30)
        keys = ring(store, clock)
        signer, _ = await keys.signer()
        assert await published_ids(keys) == [signer]
        # Rotation goes on as if nothing had happened.
        new = (await keys.rotate()).id
        assert (await keys.signer())[0] == signer
        clock.now += PUBLISH_AHEAD
        assert (await keys.signer())[0] == new


async def test_a_key_of_the_future_does_not_replace_one_that_signs(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store:
        keys = ring(store, clock)
        first, _ = await keys.signer()
        clock.now = START + timedelta(days=31)
        second = (await keys.rotate()).id
        clock.now = START + timedelta(minutes=1)
        assert (await keys.signer())[0] == first
        assert await published_ids(keys) == [first, second]
        clock.now += PUBLISH_AHEAD
        assert (await keys.signer())[0] == second


async def test_a_running_service_deletes_no_key_for_a_jump_of_the_clock(tmp_path: Path) -> None:
    clock, seconds = Clock(), 0.0
    async with opened(tmp_path) as store:
        keys = KeyRing(store, KeyVault("s" * 32), clock=CautiousClock(clock, monotonic=lambda: seconds))
        first, _ = await keys.signer()
        clock.now = START + timedelta(days=31)
        for _ in range(6):
            assert (await keys.signer())[0] == first
            clock.now += timedelta(minutes=6)
            seconds += 360
        assert [key.id for key in await store.signing_keys()] == [first]


@given(
    st.lists(st.tuples(st.timedeltas(timedelta(days=-100), timedelta(days=100)), st.booleans()), min_size=1, max_size=8)
)
def test_whatever_the_clock_does_a_published_key_signs(steps: list[tuple[timedelta, bool]]) -> None:
    async def check(path: Path) -> None:
        clock = Clock()
        async with opened(path) as store:
            keys = ring(store, clock)
            for step, restarts in steps:
                clock.now += step
                keys = ring(store, clock) if restarts else keys
                signer, _ = await keys.signer()
                assert signer in await published_ids(keys)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check(Path(folder)))
