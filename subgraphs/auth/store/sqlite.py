"""Users, sessions and signing keys in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Final

from subgraphs.auth.audit_log.sqlite import append_entry
from subgraphs.auth.domain import email_key
from subgraphs.auth.mail.sqlite_outbox import insert_mails
from subgraphs.auth.sessions.session_list import UNKNOWN_ARRIVAL
from subgraphs.auth.sessions.sqlite_sessions import record_arrival
from subgraphs.auth.store.migrations import MIGRATIONS
from subgraphs.auth.store.protocol import ENDED_KEPT, Credentials, EmailExists
from subgraphs.auth.store.sqlite_refresh_tokens import SqliteRefreshTokens, insert_token
from subgraphs.auth.store.sqlite_session_rows import (
    PROOF,
    SESSION,
    proof_columns,
    session_and_user,
    session_of,
    write_end,
)
from subgraphs.auth.store.sqlite_users import end_sessions, roles_of, roles_text, user_of
from subgraphs.auth.store.user_columns import CREDENTIALS, USER
from subgraphs.kit.times import to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from servicekit.sqlite_statements import Statements
    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.authentication import Authentication
    from subgraphs.auth.domain import RefreshToken, Role, Session, StepUp, User
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.auth.sessions.session_list import Arrival, BegunSession

_COPY_SESSION: Final = f"""
INSERT INTO sessions (id, user_id, created_at, expires_at, device, network, name, {PROOF}, last_used_at, token_family)
SELECT ?, user_id, created_at, expires_at, device, network, name, ?, ?, ?, ?, ? FROM sessions WHERE id = ?
"""  # noqa: S608 - a constant


class SqliteAuthStore(SqliteRefreshTokens):
    """The `AuthStore` on one SQLite file."""

    migrations = MIGRATIONS

    async def add_user(
        self, user: User, password_hash: str, *, audit: NewEntry | None = None, mails: Sequence[QueuedMail] = ()
    ) -> None:
        row = (
            user.id,
            user.email,
            email_key(user.email),
            user.name,
            password_hash,
            roles_text(user.roles),
            to_milliseconds(user.created_at),
        )
        async with self._changing() as connection:
            try:
                await connection.execute(
                    "INSERT INTO users (id, email, email_key, name, password_hash, roles, created_at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    row,
                )
            except sqlite3.IntegrityError as error:
                if error.sqlite_errorname != "SQLITE_CONSTRAINT_UNIQUE":
                    raise
                raise EmailExists from None
            await append_entry(connection, audit)
            await insert_mails(connection, mails)

    async def users(self, ids: Collection[str]) -> dict[str, User]:
        # All ids are passed as one JSON parameter, because SQLite limits the number of parameters.
        query = f"SELECT {USER} FROM users JOIN json_each(?) AS wanted ON users.id = wanted.value"  # noqa: S608 - a constant
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, (json.dumps(sorted(set(ids))),))
        return {row["id"]: user_of(row) for row in rows}

    async def credentials(self, email: str) -> Credentials | None:
        query = f"SELECT {USER}, {CREDENTIALS} FROM users WHERE email_key = ?"  # noqa: S608 - constants
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, (email_key(email),))
        return next(
            (Credentials(user_of(row), row["password_hash"], bool(row["has_second_factor"])) for row in rows), None
        )

    async def renew_password_hash(self, known: Credentials, password_hash: str) -> None:
        async with self._changing() as connection:
            await connection.execute(
                "UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?",
                (password_hash, known.user.id, known.password_hash),
            )

    async def grant(self, user_id: str, role: Role, *, audit: NewEntry | None = None) -> None:
        async with self._changing() as connection:
            for row in await connection.execute_fetchall("SELECT roles FROM users WHERE id = ?", (user_id,)):
                roles = roles_text(roles_of(row["roles"]) | {role})
                await connection.execute("UPDATE users SET roles = ? WHERE id = ?", (roles, user_id))
            await append_entry(connection, audit)

    async def revoke_role(self, user_id: str, role: Role, now: datetime, *, audit: NewEntry | None = None) -> None:
        async with self._changing() as connection:
            for row in await connection.execute_fetchall("SELECT roles FROM users WHERE id = ?", (user_id,)):
                if role in roles_of(row["roles"]):
                    roles = roles_text(roles_of(row["roles"]) - {role})
                    await connection.execute("UPDATE users SET roles = ? WHERE id = ?", (roles, user_id))
                    await end_sessions(connection, user_id, now)
            await append_entry(connection, audit)

    async def disable(self, user_id: str, now: datetime, *, audit: NewEntry | None = None) -> None:
        async with self._changing() as connection:
            await connection.execute(
                "UPDATE users SET disabled_at = coalesce(disabled_at, ?) WHERE id = ?", (to_milliseconds(now), user_id)
            )
            await end_sessions(connection, user_id, now)
            await append_entry(connection, audit)

    async def enable(self, user_id: str, *, audit: NewEntry | None = None) -> None:
        async with self._changing() as connection:
            await connection.execute("UPDATE users SET disabled_at = NULL WHERE id = ?", (user_id,))
            await append_entry(connection, audit)

    async def list_users(self, after: str, limit: int) -> list[User]:
        query = f"SELECT {USER} FROM users WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - a constant
        async with self._database.snapshot() as connection:
            return [user_of(row) for row in await connection.execute_fetchall(query, (after, limit))]

    async def begin_session(
        self,
        session: Session,
        token: RefreshToken,
        expired_before: datetime,
        arrival: Arrival = UNKNOWN_ARRIVAL,
        known: User | None = None,
    ) -> BegunSession | None:
        changed_at = None if known is None else known.password_changed_at
        async with self._database.transaction() as connection:
            await _delete_old(connection, expired_before)
            inserted = await connection.execute(
                f"INSERT INTO sessions (id, user_id, created_at, expires_at, {PROOF}, device, network, token_family)"  # noqa: S608 - a constant
                " SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ? FROM users"
                " WHERE id = ? AND disabled_at IS NULL AND (? OR password_changed_at IS ?)",
                (
                    session.id,
                    to_milliseconds(session.created_at),
                    to_milliseconds(session.expires_at),
                    *proof_columns(session.authentication),
                    arrival.device.words,
                    arrival.device.network,
                    session.family,
                    session.user_id,
                    known is None,
                    None if changed_at is None else to_milliseconds(changed_at),
                ),
            )
            if inserted != 1:
                return None
            await insert_token(connection, token)
            return await record_arrival(connection, session, arrival)

    async def end_session(self, session_id: str, now: datetime) -> Session | None:
        async with self._database.transaction() as connection:
            for row in await connection.execute_fetchall(f"{SESSION} WHERE id = ?", (session_id,)):
                ended = session_of(row).end(now)
                await write_end(connection, session_of(row), ended)
                return ended
        return None

    async def renew_authentication(
        self, session_id: str, proof: Authentication, now: datetime
    ) -> tuple[Session, User] | None:
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(f"{SESSION} WHERE id = ?", (session_id,))
            if not rows or not session_of(rows[0]).is_live(now):
                return None
            authentication = session_of(rows[0]).authentication.stepped_up(proof)
            if authentication is None:
                return None
            await connection.execute(
                "UPDATE sessions SET methods = ?, authenticated_at = ?, factor_enrolled_at = ? WHERE id = ?",
                (*proof_columns(authentication), session_id),
            )
            return await session_and_user(connection, session_id)

    async def step_up(self, session_id: str, step: StepUp, now: datetime) -> tuple[Session, User] | None:
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(f"{SESSION} WHERE id = ?", (session_id,))
            old = session_of(rows[0]) if rows else None
            replacement = None if old is None else step.replacement(old, now)
            if old is None or replacement is None:
                return None
            new, token = replacement
            await connection.execute(
                _COPY_SESSION,
                (new.id, *proof_columns(new.authentication), to_milliseconds(now), new.family, session_id),
            )
            await insert_token(connection, token)
            await write_end(connection, old, old.end(now))
            return await session_and_user(connection, new.id)

    async def session(self, session_id: str) -> tuple[Session, User] | None:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall("SELECT id FROM sessions WHERE id = ?", (session_id,))
            return await session_and_user(connection, session_id) if rows else None

    async def sessions_ended_since(self, moment: datetime) -> list[Session]:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(f"{SESSION} WHERE ended_at >= ?", (to_milliseconds(moment),))
        return [session_of(row) for row in rows]


async def _delete_old(connection: Statements, expired_before: datetime) -> None:
    """Delete the sessions that nobody needs any more (`AuthStore.begin_session`)."""
    expired, ended = to_milliseconds(expired_before), to_milliseconds(expired_before - ENDED_KEPT)
    await connection.execute("DELETE FROM sessions WHERE expires_at < ?", (expired,))
    await connection.execute("DELETE FROM sessions WHERE ended_at < ?", (ended,))
