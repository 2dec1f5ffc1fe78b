"""Links and what they change, in the SQLite store."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.domain import email_key
from subgraphs.auth.mail.sqlite_outbox import insert_mails
from subgraphs.auth.recovery.links import Link, Purpose
from subgraphs.auth.recovery.store import PasswordChange, UserLink
from subgraphs.auth.store.protocol import EmailExists
from subgraphs.auth.store.sqlite_users import end_sessions, user_of
from subgraphs.auth.store.user_columns import USER
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from servicekit.sqlite import Database
    from servicekit.sqlite_statements import Statements
    from subgraphs.auth.domain import User
    from subgraphs.auth.mail.outbox import QueuedMail

_KEPT: Final = timedelta(days=1)
_FIND: Final = f"""
SELECT digest, purpose, user_id, links.email AS link_email, new_email, issued_at, expires_at, used_at, {USER}
FROM links JOIN users ON users.id = links.user_id WHERE digest = ?
"""  # noqa: S608 - constants


class SqliteRecoveryStore:
    """The `RecoveryStore` in the open database of the store."""

    def __init__(self, database: Database, changing: Callable[[], AbstractAsyncContextManager[Statements]]) -> None:
        """`changing` begins a transaction that changes users."""
        self._database = database
        self._changing = changing

    async def issue(self, link: Link, now: datetime) -> bool:
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM links WHERE expires_at < ?", (to_milliseconds(now - _KEPT),))
            if await _find(connection, link.digest) is None:
                await connection.execute(
                    "INSERT INTO links (digest, purpose, user_id, email, new_email, issued_at, expires_at)"
                    " SELECT ?, ?, id, ?, ?, ?, ? FROM users WHERE id = ?",
                    (
                        link.digest,
                        link.purpose,
                        link.email,
                        link.new_email,
                        to_milliseconds(link.issued_at),
                        to_milliseconds(link.expires_at),
                        link.user_id,
                    ),
                )
            return await _find_valid(connection, link.digest, (link.purpose,), now) is not None

    async def find(self, digest: bytes, purposes: Collection[Purpose], now: datetime) -> UserLink | None:
        async with self._database.snapshot() as connection:
            return await _find_valid(connection, digest, purposes, now)

    async def reset_password(
        self, digest: bytes, password_hash: str, now: datetime, mails: Sequence[QueuedMail]
    ) -> User | None:
        async with self._changing() as connection:
            found = await _use(connection, digest, Purpose.RESET_PASSWORD, now)
            if found is None:
                return None
            moment = to_milliseconds(now)
            await connection.execute(
                "UPDATE users SET password_hash = ?, password_changed_at = ?,"
                " email_verified_at = coalesce(email_verified_at, ?) WHERE id = ?",
                (password_hash, moment, moment, found.user.id),
            )
            await end_sessions(connection, found.user.id, now)
            await insert_mails(connection, mails)
            return await _user(connection, found.user.id)

    async def change_password(self, change: PasswordChange, now: datetime, mails: Sequence[QueuedMail]) -> bool:
        async with self._changing() as connection:
            changed = await connection.execute(
                "UPDATE users SET password_hash = ?, password_changed_at = ? WHERE id = ? AND password_hash = ?",
                (change.password_hash, to_milliseconds(now), change.user_id, change.expected_hash),
            )
            if changed != 1:
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
            await connection.execute(
                "UPDATE users SET email_verified_at = coalesce(email_verified_at, ?) WHERE id = ?",
                (to_milliseconds(now), found.user.id),
            )
            return await _user(connection, found.user.id)

    async def change_email(self, digest: bytes, now: datetime, mails: Sequence[QueuedMail]) -> User | None:
        async with self._changing() as connection:
            found = await _use(connection, digest, Purpose.CHANGE_EMAIL, now)
            if found is None or found.link.new_email is None:
                return None
            new_email = found.link.new_email
            try:
                await connection.execute(
                    "UPDATE users SET email = ?, email_key = ?, email_verified_at = ? WHERE id = ?",
                    (new_email, email_key(new_email), to_milliseconds(now), found.user.id),
                )
            except sqlite3.IntegrityError as error:
                if error.sqlite_errorname != "SQLITE_CONSTRAINT_UNIQUE":
                    raise
                raise EmailExists from None
            await insert_mails(connection, mails)
            return await _user(connection, found.user.id)


async def _use(connection: Statements, digest: bytes, purpose: Purpose, now: datetime) -> UserLink | None:
    """Mark a valid link as used, and return it."""
    found = await _find_valid(connection, digest, (purpose,), now)
    if found is not None:
        await connection.execute("UPDATE links SET used_at = ? WHERE digest = ?", (to_milliseconds(now), digest))
    return found


async def _find_valid(
    connection: Statements, digest: bytes, purposes: Collection[Purpose], now: datetime
) -> UserLink | None:
    found = await _find(connection, digest)
    if found is None or found.link.purpose not in purposes or not found.link.is_valid(found.user, now):
        return None
    return found


async def _find(connection: Statements, digest: bytes) -> UserLink | None:
    return next((_user_link(row) for row in await connection.execute_fetchall(_FIND, (digest,))), None)


def _user_link(row: Any) -> UserLink:
    link = Link(
        row["digest"],
        Purpose(row["purpose"]),
        row["user_id"],
        row["link_email"],
        from_milliseconds(row["issued_at"]),
        from_milliseconds(row["expires_at"]),
        row["new_email"],
        None if row["used_at"] is None else from_milliseconds(row["used_at"]),
    )
    return UserLink(link, user_of(row))


async def _user(connection: Statements, user_id: str) -> User:
    query = f"SELECT {USER} FROM users WHERE id = ?"  # noqa: S608 - a constant
    (row,) = await connection.execute_fetchall(query, (user_id,))
    return user_of(row)
