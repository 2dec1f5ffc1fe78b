"""The session service on each store, with a clock that a test sets."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
from pydantic import SecretStr

from bank import values
from subgraphs.auth.domain import Role, SessionRules, User
from subgraphs.auth.key_ring import KeyRing
from subgraphs.auth.mail.delivery import MailQueue
from subgraphs.auth.mail.outbox import SEALED_FOR
from subgraphs.auth.sealing import Sealer
from subgraphs.auth.sessions.session_service import Clocks, SessionService, SessionTokens, SignedIn
from subgraphs.auth.signing_keys import KeyVault
from subgraphs.auth.store.postgres import PostgresAuthStore
from subgraphs.auth.store.sqlite import SqliteAuthStore
from subgraphs.auth.tokens import AccessTokens
from subgraphs.kit.store_factory import StoreAddress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.auth.store.protocol import AuthStore

START = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
SEALER = Sealer("s" * 32, SEALED_FOR)
RULES = SessionRules(lifetime=timedelta(hours=4), idle=timedelta(hours=1), grace=timedelta(seconds=10))


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Revocations:
    """The revocation list of a test: keeps everything."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    async def revoke(self, session_id: str, expires_at: float) -> None:
        del expires_at
        self.ids.add(session_id)

    async def is_revoked(self, session_id: str) -> bool:
        return session_id in self.ids


@dataclass
class SessionsOfTest:
    """The session service of a test, and what it uses."""

    store: AuthStore
    rules: SessionRules = RULES
    secret: bytes = b"s" * 32
    clock: Clock = field(default_factory=Clock)
    revocations: Revocations = field(default_factory=Revocations)

    def __post_init__(self) -> None:
        keys = KeyRing(self.store, KeyVault("s" * 32), clock=self.clock)
        self.mails = MailQueue(self.store.mails, SEALER, self.clock)
        self.service = SessionService(
            self.store,
            session_tokens=SessionTokens(
                AccessTokens(issuer="http://auth.test", keys=keys, clock=self.clock), self.rules, self.secret
            ),
            revocations=self.revocations,
            mails=self.mails,
            clocks=Clocks(self.clock, self.clock),
        )

    def with_rules(self, **changes: timedelta) -> SessionsOfTest:
        """The same store for a service with other rules."""
        return SessionsOfTest(
            self.store, replace(self.rules, **changes), clock=self.clock, revocations=self.revocations
        )

    async def new_user(self) -> User:
        user_id = values.new_user_id()
        user = User(user_id, f"{user_id}@example.com", "Ann", frozenset({Role.CUSTOMER}), self.clock.now)
        await self.store.add_user(user, "$argon2id$hash")
        return user

    async def begin(self, user: User | None = None) -> SignedIn:
        signed_in = await self.service.begin(user or await self.new_user())
        assert signed_in is not None
        return signed_in


async def stored_tokens(place: Path | str) -> dict[str, int]:
    """The number of refresh tokens in the store of each session that has any."""
    query = "SELECT session_id, count(*) FROM refresh_tokens GROUP BY session_id"
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as file:
            return dict(file.execute(query).fetchall())
    connection = await asyncpg.connect(place)
    try:
        return dict(await connection.fetch(query))
    finally:
        await connection.close()


@asynccontextmanager
async def opened(place: Path | str) -> AsyncIterator[AuthStore]:
    """The store in a file, or in the PostgreSQL database with this URL."""
    store: AuthStore
    if isinstance(place, Path):
        store = await SqliteAuthStore.open_file(place)
    else:
        address = StoreAddress(SecretStr(place), "AUTH_DB_URL", Path("unused"))
        store = await PostgresAuthStore.open_at(address, values.now)
    try:
        yield store
    finally:
        await store.close()
