"""The store in PostgreSQL keeps the contract of every auth store.

Covers `subgraphs/auth/store/postgres.py`, `subgraphs/auth/store/postgres_new_sessions.py`,
`subgraphs/auth/store/postgres_parts.py`,
`subgraphs/auth/store/postgres_refresh_tokens.py`, `subgraphs/auth/store/postgres_session_rows.py`,
`subgraphs/auth/store/postgres_schema.py`, `subgraphs/auth/store/postgres_signing_keys.py` and
`subgraphs/auth/store/user_columns.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from bank import values
from subgraphs.auth.domain import SESSION_LIFETIME, RefreshToken, Role, Session, Verdict
from subgraphs.auth.store.postgres import PostgresAuthStore
from subgraphs.kit.store_factory import StoreAddress
from tests.subgraphs.auth.store_contract import CHECKS, HASH, NOW, VAULT, user

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from subgraphs.auth.store.protocol import AuthStore

    OpenStore = Callable[[], AbstractAsyncContextManager[AuthStore]]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresAuthStore]:
    store = await PostgresAuthStore.open_at(StoreAddress(SecretStr(url), "AUTH_DB_URL", Path("unused")), values.now)
    try:
        yield store
    finally:
        await store.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_store_in_postgresql_keeps_the_contract(
    check: Callable[[OpenStore], Awaitable[None]], postgres_url: str
) -> None:
    await check(lambda: opened(postgres_url))


async def test_changes_of_users_and_keys_are_counted_and_reported(postgres_url: str) -> None:
    reported: list[int] = []
    async with opened(postgres_url) as store, opened(postgres_url) as other:
        store.report_changes(reported.append)
        ann = user()
        await store.add_user(ann, HASH)
        await other.grant(ann.id, Role.SUPPORT)
        await store.disable(ann.id, NOW)
        await store.replace_signing_keys((), VAULT.create(NOW, NOW), ())
        assert reported == [1, 3, 4]
        assert (await store.identity()).changes == 4
        assert await store.identity() == await other.identity()


async def test_no_session_of_a_disabled_user_is_left_whoever_comes_first(postgres_url: str) -> None:
    async with opened(postgres_url) as store, opened(postgres_url) as other:
        for number in range(20):
            ann = user(f"u{number}@example.com")
            await store.add_user(ann, HASH)
            session = Session.begin(f"s{number}", ann.id, NOW)
            token = RefreshToken.issue(bytes([number]), session, NOW)
            began, _ = await asyncio.gather(store.begin_session(session, token, NOW), other.disable(ann.id, NOW))
            exchanged = await store.exchange(token.digest, b"next", NOW)
            assert (exchanged is not None) == (began is not None)
            assert exchanged is None or exchanged.verdict is Verdict.DEAD


async def test_sessions_that_begin_together_delete_the_expired_ones_without_a_deadlock(postgres_url: str) -> None:
    async with opened(postgres_url) as store, opened(postgres_url) as other:
        ann = user()
        await store.add_user(ann, HASH)
        later = NOW + SESSION_LIFETIME + timedelta(seconds=1)
        for number in range(30):
            old = Session.begin(f"old{number}", ann.id, NOW)
            await store.begin_session(old, RefreshToken.issue(bytes([number]), old, NOW), NOW)
        new = [Session.begin(f"new{number}", ann.id, later) for number in range(12)]
        began = await asyncio.gather(
            *(
                each.begin_session(session, RefreshToken.issue(session.id.encode(), session, later), later)
                for each, session in zip([store, other] * 6, new, strict=True)
            )
        )
        assert all(began)
        assert [await store.exchange(bytes([number]), b"next", NOW) for number in range(30)] == [None] * 30


async def test_a_login_does_not_deadlock_with_the_end_of_all_sessions(postgres_url: str) -> None:
    """Both lock the user first. The login deletes the expired sessions that the other transaction ends."""
    async with opened(postgres_url) as store, opened(postgres_url) as other:
        ann = user()
        await store.add_user(ann, HASH)
        later = NOW + SESSION_LIFETIME + timedelta(seconds=1)
        for number in range(20):
            old = Session.begin(f"old{number}", ann.id, NOW)
            await store.begin_session(old, RefreshToken.issue(f"old{number}".encode(), old, NOW), NOW)
            new = Session.begin(f"new{number}", ann.id, later)
            token = RefreshToken.issue(f"new{number}".encode(), new, later)
            began, _ = await asyncio.gather(store.begin_session(new, token, later), other.disable(ann.id, later))
            await store.enable(ann.id)
            exchanged = await store.exchange(token.digest, b"next", later)
            assert (exchanged is not None) == (began is not None)
            assert exchanged is None or exchanged.verdict is Verdict.DEAD
