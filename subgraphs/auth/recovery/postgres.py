"""Links and what they change, in the PostgreSQL store.

Transactions lock the user first, as those of the other parts of the store do, and then the link and the sessions.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from subgraphs.auth.domain import email_key
from subgraphs.auth.mail.postgres_outbox import insert_mails
from subgraphs.auth.recovery.links import Link, Purpose
from subgraphs.auth.recovery.store import PasswordChange, UserLink
from subgraphs.auth.store.postgres_users import end_sessions, user_of
from subgraphs.auth.store.protocol import EmailExists
from subgraphs.auth.store.user_columns import USER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy

    from subgraphs.auth.domain import User
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.kit.postgres import PostgresDatabase

_KEPT: Final = timedelta(days=1)
_FIND: Final = f"""
SELECT digest, purpose, user_id, links.email AS link_email, new_email, issued_at, expires_at, used_at, {USER}
FROM links JOIN users ON users.id = links.user_id WHERE digest = $1
"""  # noqa: S608 - constants
_RESET_PASSWORD: Final = f"""
UPDATE users
SET password_hash = $1, password_changed_at = $2, email_verified_at = coalesce(email_verified_at, $2)
WHERE id = $3 RETURNING {USER}
"""  # noqa: S608 - constants
_VERIFY_EMAIL: Final = f"""
UPDATE users SET email_verified_at = coalesce(email_verified_at, $1) WHERE id = $2 RETURNING {USER}
"""  # noqa: S608 - constants
_CHANGE_EMAIL: Final = f"""
UPDATE users SET email = $1, email_key = $2, email_verified_at = $3 WHERE id = $4 RETURNING {USER}
"""  # noqa: S608 - constants
_LOCK_USER: Final = "SELECT id FROM users WHERE id = (SELECT user_id FROM links WHERE digest = $1) FOR UPDATE"


class PostgresRecoveryStore:
    """The `RecoveryStore` in the open database of the store."""

    def __init__(
        self, database: PostgresDatabase, changing: Callable[[], AbstractAsyncContextManager[PoolConnectionProxy]]
    ) -> None:
        """`changing` begins a transaction that changes users."""
        self._database = database
        self._changing = changing

    async def issue(self, link: Link, now: datetime) -> bool:
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM links WHERE expires_at < $1", now - _KEPT)
            await connection.execute(
                "INSERT INTO links (digest, purpose, user_id, email, new_email, issued_at, expires_at)"
                " SELECT $1, $2, id, $3, $4, $5, $6 FROM users WHERE id = $7 ON CONFLICT (digest) DO NOTHING",
                link.digest,
                link.purpose,
                link.email,
                link.new_email,
                link.issued_at,
                link.expires_at,
                link.user_id,
            )
            return await _find_valid(connection, link.digest, (link.purpose,), now) is not None

    async def find(self, digest: bytes, purposes: Collection[Purpose], now: datetime) -> UserLink | None:
        async with self._database.connection() as connection:
            return await _find_valid(connection, digest, purposes, now)

    async def reset_password(
        self, digest: bytes, password_hash: str, now: datetime, mails: Sequence[QueuedMail]
    ) -> User | None:
        async with self._changing() as connection:
            found = await _use(connection, digest, Purpose.RESET_PASSWORD, now)
            if found is None:
                return None
            row = await connection.fetchrow(
                _RESET_PASSWORD,
                password_hash,
                now,
                found.user.id,
            )
            await end_sessions(connection, found.user.id, now)
            await insert_mails(connection, mails)
        return user_of(row)

    async def change_password(self, change: PasswordChange, now: datetime, mails: Sequence[QueuedMail]) -> bool:
        async with self._changing() as connection:
            changed = await connection.fetchval(
                "UPDATE users SET password_hash = $1, password_changed_at = $2"
                " WHERE id = $3 AND password_hash = $4 RETURNING id",
                change.password_hash,
                now,
                change.user_id,
                change.expected_hash,
            )
            if changed is None:
                return False
            if change.kept_session is not None:
                await end_sessions(connection, change.user_id, now, except_session=change.kept_session)
            await insert_mails(connection, mails)
        return True

    async def verify_email(self, digest: bytes, now: datetime) -> User | None:
        async with self._changing() as connection:
            found = await _use(connection, digest, Purpose.VERIFY_EMAIL, now)
            if found is None:
                return None
            row = await connection.fetchrow(
                _VERIFY_EMAIL,
                now,
                found.user.id,
            )
        return user_of(row)

    async def change_email(self, digest: bytes, now: datetime, mails: Sequence[QueuedMail]) -> User | None:
        try:
            async with self._changing() as connection:
                found = await _use(connection, digest, Purpose.CHANGE_EMAIL, now)
                if found is None or found.link.new_email is None:
                    return None
                row = await connection.fetchrow(
                    _CHANGE_EMAIL,
                    found.link.new_email,
                    email_key(found.link.new_email),
                    now,
                    found.user.id,
                )
                await insert_mails(connection, mails)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "users_email_key_key":
                raise
            raise EmailExists from None
        return user_of(row)


async def _use(connection: PoolConnectionProxy, digest: bytes, purpose: Purpose, now: datetime) -> UserLink | None:
    """Mark a valid link as used, and return it. Of two transactions that use a link, the second one sees it used."""
    await connection.execute(_LOCK_USER, digest)
    found = await _find_valid(connection, digest, (purpose,), now)
    if found is not None:
        await connection.execute("UPDATE links SET used_at = $1 WHERE digest = $2", now, digest)
    return found


async def _find_valid(
    connection: PoolConnectionProxy, digest: bytes, purposes: Collection[Purpose], now: datetime
) -> UserLink | None:
    row = await connection.fetchrow(_FIND, digest)
    found = None if row is None else _user_link(row)
    if found is None or found.link.purpose not in purposes or not found.link.is_valid(found.user, now):
        return None
    return found


def _user_link(row: Mapping[str, Any]) -> UserLink:
    link = Link(
        row["digest"],
        Purpose(row["purpose"]),
        row["user_id"],
        row["link_email"],
        row["issued_at"],
        row["expires_at"],
        row["new_email"],
        row["used_at"],
    )
    return UserLink(link, user_of(row))
