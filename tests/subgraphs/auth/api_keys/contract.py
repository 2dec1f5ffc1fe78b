"""The contract of API keys in every auth store; each check takes a function that opens the same store again.

Covers `subgraphs/auth/api_keys/protocol.py`, `subgraphs/auth/api_keys/sqlite.py` and
`subgraphs/auth/api_keys/postgres.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bank.scopes import PAYMENTS, READ
from subgraphs.auth.api_keys.api_key import DEAD_KEPT, ApiKey, new_key_id, session_prefix
from subgraphs.auth.domain import RefreshToken, Session
from tests.subgraphs.auth.audit_log.contract import new_entry
from tests.subgraphs.auth.store_contract import HASH, NOW, user

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from subgraphs.auth.store.protocol import AuthStore

    OpenStore = Callable[[], AbstractAsyncContextManager[AuthStore]]

END = NOW + timedelta(days=90)
HOUR = timedelta(hours=1)
AUDIT = new_entry()


async def owner(store: AuthStore, email: str = "ann@example.com") -> str:
    ann = user(email)
    await store.add_user(ann, HASH)
    return ann.id


def key_of(user_id: str, name: str = "robot") -> ApiKey:
    return ApiKey(new_key_id(), user_id, name, frozenset({READ, PAYMENTS}), NOW, END)


async def a_key_is_stored_unchanged(open_store: OpenStore) -> None:
    async with open_store() as store:
        key = key_of(await owner(store), "Ann \u738b")
        assert await store.api_keys.add(key, b"one", 3, AUDIT)
    async with open_store() as store:
        expected = replace(key, secrets_end_at=(END,))
        assert await store.api_keys.find(key.id, NOW) == expected
        assert await store.api_keys.of_user(key.user_id, NOW) == [expected]
        use = await store.api_keys.use(b"one", NOW)
        assert use is not None
        assert (use.key, use.ends_at) == (expected, END)
        assert use.is_valid(NOW)
        assert not use.is_valid(END)


async def unknown_keys_are_not_found(open_store: OpenStore) -> None:
    async with open_store() as store:
        for strange in ("", "\x00", "\ud800", "0" * 16):
            if strange != "\ud800":
                assert await store.api_keys.find(strange, NOW) is None
                assert not await store.api_keys.revoke(strange, NOW, AUDIT)
                assert not await store.api_keys.rotate(strange, b"d", NOW, NOW, AUDIT)
        assert await store.api_keys.use(b"unknown", NOW) is None
        assert not await store.api_keys.add(key_of("nobody"), b"one", 3, AUDIT)
        assert await store.audit_log.entries_after(0, 10) == []


async def the_number_of_live_keys_is_limited(open_store: OpenStore) -> None:
    async with open_store() as one, open_store() as other:
        ann = await owner(one)
        bob = await owner(one, "bob@example.com")
        added = await asyncio.gather(
            *((one, other)[n % 2].api_keys.add(key_of(ann), bytes([n]), 3, AUDIT) for n in range(8))
        )
        assert sorted(added) == [False] * 5 + [True] * 3
        assert await one.api_keys.add(key_of(bob), b"bob", 3, AUDIT)
        first = (await one.api_keys.of_user(ann, NOW))[0]
        assert await one.api_keys.revoke(first.id, NOW, AUDIT)
        assert await one.api_keys.add(key_of(ann), b"again", 3, AUDIT)
        assert await one.api_keys.of_user(ann, END) == []
        assert len(await one.audit_log.entries_after(0, 100)) == 6


async def a_rotation_leaves_two_live_secrets(open_store: OpenStore) -> None:
    async with open_store() as store:
        key = key_of(await owner(store))
        await store.api_keys.add(key, b"one", 3, AUDIT)
        assert await store.api_keys.rotate(key.id, b"two", NOW + HOUR, NOW + 2 * HOUR, AUDIT)
        found = await store.api_keys.find(key.id, NOW + HOUR)
        assert found is not None
        assert found.secrets_end_at == (END, NOW + 2 * HOUR)
        one, two = await store.api_keys.use(b"one", NOW + HOUR), await store.api_keys.use(b"two", NOW + HOUR)
        assert one is not None
        assert two is not None
        assert (one.is_valid(NOW + HOUR), two.is_valid(NOW + HOUR)) == (True, True)
        assert (one.is_valid(NOW + 2 * HOUR), two.is_valid(NOW + 2 * HOUR)) == (False, True)
        assert await store.api_keys.rotate(key.id, b"three", NOW + HOUR, END + HOUR, AUDIT)
        assert await store.api_keys.use(b"one", NOW) is None
        third = await store.api_keys.find(key.id, NOW + HOUR)
        assert third is not None
        assert third.secrets_end_at == (END, END)


async def a_revoked_key_and_its_sessions_end(open_store: OpenStore) -> None:
    async with open_store() as store:
        key, other = key_of(await owner(store)), key_of(await owner(store, "bob@example.com"))
        for each, digest in ((key, b"key"), (other, b"other")):
            await store.api_keys.add(each, digest, 3, AUDIT)
            session = Session.begin(f"{session_prefix(each.id)}{'f' * 32}", each.user_id, NOW)
            assert await store.begin_session(session, RefreshToken.issue(digest, session, NOW), NOW)
        assert await store.api_keys.revoke(key.id, NOW + HOUR, AUDIT)
        assert not await store.api_keys.revoke(key.id, NOW + HOUR, AUDIT)
        assert not await store.api_keys.rotate(key.id, b"new", NOW + HOUR, END, AUDIT)
        use = await store.api_keys.use(b"key", NOW + HOUR)
        assert use is not None
        assert not use.is_valid(NOW + HOUR)
        assert [session.user_id for session in await store.sessions_ended_since(NOW)] == [key.user_id]
        assert await store.api_keys.rotate(other.id, b"new", NOW + HOUR, END, AUDIT)
        assert len(await store.sessions_ended_since(NOW)) == 2
        assert not await store.api_keys.revoke(other.id, END, AUDIT)


async def keys_that_ended_long_ago_are_deleted_when_others_are_added(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, bob = await owner(store), await owner(store, "bob@example.com")
        dead, live, other = key_of(ann), key_of(ann), key_of(bob)
        for each, digest in ((dead, b"dead"), (live, b"live"), (other, b"other")):
            assert await store.api_keys.add(each, digest, 3, AUDIT)
        for each in (dead, other):
            assert await store.api_keys.revoke(each.id, NOW, AUDIT)
        late = replace(key_of(ann), created_at=NOW + DEAD_KEPT)
        assert await store.api_keys.add(late, b"late", 3, AUDIT)
        assert await store.api_keys.find(dead.id, NOW) is not None
        later = replace(key_of(ann), created_at=NOW + DEAD_KEPT + timedelta(seconds=1))
        assert await store.api_keys.add(later, b"later", 3, AUDIT)
        assert await store.api_keys.find(dead.id, NOW) is None
        assert await store.api_keys.use(b"dead", NOW) is None
        for each in (live, other):
            assert await store.api_keys.find(each.id, NOW) is not None


async def the_last_use_is_written_once_a_minute(open_store: OpenStore) -> None:
    async with open_store() as store:
        key = key_of(await owner(store))
        await store.api_keys.add(key, b"one", 3, AUDIT)
        seen = []
        for seconds in (0, 59, 60, 61):
            await store.api_keys.touch(key.id, NOW + timedelta(seconds=seconds))
            found = await store.api_keys.find(key.id, NOW)
            assert found is not None
            assert found.last_used_at is not None
            seen.append((found.last_used_at - NOW).total_seconds())
        assert seen == [0, 0, 60, 60]


CHECKS: Final[tuple[Callable[[OpenStore], Awaitable[None]], ...]] = (
    a_key_is_stored_unchanged,
    unknown_keys_are_not_found,
    the_number_of_live_keys_is_limited,
    a_rotation_leaves_two_live_secrets,
    a_revoked_key_and_its_sessions_end,
    keys_that_ended_long_ago_are_deleted_when_others_are_added,
    the_last_use_is_written_once_a_minute,
)
