"""Users, sessions and signing keys in a PostgreSQL database, which several processes can share.

Transactions lock the rows that they depend on, in the order users, refresh tokens, sessions. So none waits for another
that waits for it. The lock of the audit log is the last one, so a transaction appends its entry at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

from subgraphs.auth.audit_log.postgres import append_entry
from subgraphs.auth.domain import email_key
from subgraphs.auth.mail.postgres_outbox import insert_mails
from subgraphs.auth.sessions.postgres_sessions import record_arrival
from subgraphs.auth.sessions.session_list import UNKNOWN_ARRIVAL, BegunSession
from subgraphs.auth.store.postgres_new_sessions import Inserted, NewSession, insert_session
from subgraphs.auth.store.postgres_refresh_tokens import PostgresRefreshTokens, insert_token
from subgraphs.auth.store.postgres_schema import MIGRATIONS
from subgraphs.auth.store.postgres_session_rows import PROOF, SESSION, proof_columns, session_of, write_end
from subgraphs.auth.store.postgres_users import end_sessions, user_of
from subgraphs.auth.store.protocol import Credentials, EmailExists
from subgraphs.auth.store.user_columns import CREDENTIALS, USER
from subgraphs.kit.postgres import is_storable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.authentication import Authentication
    from subgraphs.auth.domain import RefreshToken, Role, Session, StepUp, User
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.auth.sessions.session_list import Arrival

# The lock lets a transaction that ends all sessions of the user wait, so that it ends the new one, too.
_LOCK_OWNER: Final = """
SELECT id FROM users WHERE id = (SELECT user_id FROM sessions WHERE id = $1) FOR NO KEY UPDATE
"""
_COPY_SESSION: Final = f"""
INSERT INTO sessions (id, user_id, created_at, expires_at, device, network, name, {PROOF}, last_used_at, token_family)
SELECT $1, user_id, created_at, expires_at, device, network, name, $2, $3, $4, $5, $6 FROM sessions WHERE id = $7
"""  # noqa: S608 - a constant


class PostgresAuthStore(PostgresRefreshTokens):
    """The `AuthStore` in a PostgreSQL database."""

    migrations = MIGRATIONS

    async def add_user(
        self, user: User, password_hash: str, *, audit: NewEntry | None = None, mails: Sequence[QueuedMail] = ()
    ) -> None:
        try:
            async with self._changing() as connection:
                await connection.execute(
                    "INSERT INTO users (id, email, email_key, name, password_hash, roles, created_at)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    user.id,
                    user.email,
                    email_key(user.email),
                    user.name,
                    password_hash,
                    sorted(user.roles),
                    user.created_at,
                )
                await append_entry(connection, audit)
                await insert_mails(connection, mails)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "users_email_key_key":
                raise
            raise EmailExists from None

    async def users(self, ids: Collection[str]) -> dict[str, User]:
        query = f"SELECT {USER} FROM users WHERE id = ANY($1)"  # noqa: S608 - a constant
        wanted = sorted({each for each in ids if is_storable(each)})
        async with self._database.connection() as connection:
            rows = await connection.fetch(query, wanted)
        return {row["id"]: user_of(row) for row in rows}

    async def credentials(self, email: str) -> Credentials | None:
        if not is_storable(email):
            return None
        query = f"SELECT {USER}, {CREDENTIALS} FROM users WHERE email_key = $1"  # noqa: S608 - constants
        async with self._database.connection() as connection:
            row = await connection.fetchrow(query, email_key(email))
        return None if row is None else Credentials(user_of(row), row["password_hash"], row["has_second_factor"])

    async def renew_password_hash(self, known: Credentials, password_hash: str) -> None:
        async with self._changing() as connection:
            await connection.execute(
                "UPDATE users SET password_hash = $1 WHERE id = $2 AND password_hash = $3",
                password_hash,
                known.user.id,
                known.password_hash,
            )

    async def grant(self, user_id: str, role: Role, *, audit: NewEntry | None = None) -> None:
        async with self._changing() as connection:
            await connection.execute(
                "UPDATE users SET roles = array_append(roles, $1) WHERE id = $2 AND NOT $1 = ANY(roles)", role, user_id
            )
            await append_entry(connection, audit)

    async def revoke_role(self, user_id: str, role: Role, now: datetime, *, audit: NewEntry | None = None) -> None:
        async with self._changing() as connection:
            changed = await connection.fetchval(
                "UPDATE users SET roles = array_remove(roles, $1) WHERE id = $2 AND $1 = ANY(roles) RETURNING id",
                role,
                user_id,
            )
            if changed is not None:
                await end_sessions(connection, user_id, now)
            await append_entry(connection, audit)

    async def disable(self, user_id: str, now: datetime, *, audit: NewEntry | None = None) -> None:
        async with self._changing() as connection:
            await connection.execute(
                "UPDATE users SET disabled_at = coalesce(disabled_at, $1) WHERE id = $2", now, user_id
            )
            await end_sessions(connection, user_id, now)
            await append_entry(connection, audit)

    async def enable(self, user_id: str, *, audit: NewEntry | None = None) -> None:
        async with self._changing() as connection:
            await connection.execute("UPDATE users SET disabled_at = NULL WHERE id = $1", user_id)
            await append_entry(connection, audit)

    async def list_users(self, after: str, limit: int) -> list[User]:
        query = f"SELECT {USER} FROM users WHERE id > $1 ORDER BY id LIMIT $2"  # noqa: S608 - a constant
        async with self._database.connection() as connection:
            return [user_of(row) for row in await connection.fetch(query, after, limit)]

    async def begin_session(
        self,
        session: Session,
        token: RefreshToken,
        expired_before: datetime,
        arrival: Arrival = UNKNOWN_ARRIVAL,
        known: User | None = None,
    ) -> BegunSession | None:
        new = NewSession(session, token, arrival.device, expired_before, known)
        # The usual login is one statement. Only a device that is not known needs a transaction of several.
        async with self._database.connection() as connection:
            inserted = await insert_session(connection, new, only_on_known_device=True)
        if inserted is not Inserted.NOT_ON_THIS_DEVICE:
            return BegunSession(has_notice=False) if inserted is Inserted.YES else None
        async with self._database.transaction() as connection:
            if await insert_session(connection, new, only_on_known_device=False) is not Inserted.YES:
                return None
            return await record_arrival(connection, session, arrival)

    async def end_session(self, session_id: str, now: datetime) -> Session | None:
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(f"{SESSION} WHERE id = $1 FOR UPDATE", session_id)
            if row is None:
                return None
            ended = session_of(row).end(now)
            await write_end(connection, session_of(row), ended)
        return ended

    async def renew_authentication(
        self, session_id: str, proof: Authentication, now: datetime
    ) -> tuple[Session, User] | None:
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(f"{SESSION} WHERE id = $1 FOR UPDATE", session_id)
            if row is None or not session_of(row).is_live(now):
                return None
            authentication = session_of(row).authentication.stepped_up(proof)
            if authentication is None:
                return None
            await connection.execute(
                "UPDATE sessions SET methods = $2, authenticated_at = $3, factor_enrolled_at = $4 WHERE id = $1",
                session_id,
                *proof_columns(authentication),
            )
            return await _session_with_user(connection, session_id)

    async def step_up(self, session_id: str, step: StepUp, now: datetime) -> tuple[Session, User] | None:
        async with self._database.transaction() as connection:
            await connection.execute(_LOCK_OWNER, session_id)
            row = await connection.fetchrow(f"{SESSION} WHERE id = $1 FOR UPDATE", session_id)
            old = None if row is None else session_of(row)
            replacement = None if old is None else step.replacement(old, now)
            if old is None or replacement is None:
                return None
            new, token = replacement
            await connection.execute(
                _COPY_SESSION, new.id, *proof_columns(new.authentication), now, new.family, session_id
            )
            await insert_token(connection, token)
            await write_end(connection, old, old.end(now))
            return await _session_with_user(connection, new.id)

    async def session(self, session_id: str) -> tuple[Session, User] | None:
        async with self._database.connection() as connection:
            return await _session_with_user(connection, session_id)

    async def sessions_ended_since(self, moment: datetime) -> list[Session]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(f"{SESSION} WHERE ended_at >= $1", moment)
        return [session_of(row) for row in rows]


async def _session_with_user(connection: PoolConnectionProxy, session_id: str) -> tuple[Session, User] | None:
    row = await connection.fetchrow(f"{SESSION} WHERE id = $1", session_id)
    if row is None:
        return None
    query = f"SELECT {USER} FROM users WHERE id = $1"  # noqa: S608 - a constant
    return session_of(row), user_of(await connection.fetchrow(query, row["user_id"]))
