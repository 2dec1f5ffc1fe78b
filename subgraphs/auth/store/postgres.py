"""Users, sessions and signing keys in a PostgreSQL database, which several processes can share.

Transactions lock the rows that they depend on, in the order users, refresh tokens, sessions. So none waits for another
that waits for it. The lock of the audit log is the last one, so a transaction appends its entry at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import asyncpg

from subgraphs.auth.audit_log.postgres import append_entry
from subgraphs.auth.authentication import Authentication, methods_text, parse_methods
from subgraphs.auth.domain import DEFAULT_RULES, Presented, RefreshToken, Role, Session, User, email_key, rotate
from subgraphs.auth.mail.postgres_outbox import insert_mails
from subgraphs.auth.sessions.postgres_sessions import record_arrival, touch
from subgraphs.auth.sessions.session_list import UNKNOWN_ARRIVAL
from subgraphs.auth.store.postgres_parts import PostgresParts
from subgraphs.auth.store.postgres_schema import MIGRATIONS
from subgraphs.auth.store.postgres_users import USER, end_sessions, user_of
from subgraphs.auth.store.protocol import Credentials, EmailExists, TokenExchange
from subgraphs.kit.postgres import is_storable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.domain import SessionRules
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.auth.sessions.session_list import Arrival

_PROOF: Final = "methods, authenticated_at, factor_enrolled_at"
_SESSION: Final = f"SELECT id, user_id, created_at, expires_at, ended_at, {_PROOF} FROM sessions"  # noqa: S608 - constants
# Expired sessions are deleted when others begin. A session that another transaction deletes at this moment is skipped.
_DELETE_EXPIRED: Final = """
DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED
)
"""
_EXCHANGED: Final = f"""
SELECT
    token.digest, token.session_id, token.issued_at, token.expires_at AS token_expires_at, token.used_at,
    session.user_id, session.created_at AS began_at, session.expires_at, session.ended_at, {_PROOF},
    {USER}
FROM refresh_tokens AS token
JOIN sessions AS session ON session.id = token.session_id
JOIN users ON users.id = session.user_id
WHERE token.digest = $1
FOR UPDATE OF token, session
"""  # noqa: S608 - constants of this module
# The exchange has locked the session, so no other exchange changes this token meanwhile.
_STORED: Final = "SELECT digest, session_id, issued_at, expires_at, used_at FROM refresh_tokens WHERE digest = $1"
_WRITE_SUCCESSOR: Final = """
WITH used AS (UPDATE refresh_tokens SET used_at = $1 WHERE digest = $2)
INSERT INTO refresh_tokens (digest, session_id, issued_at, expires_at) VALUES ($3, $4, $5, $6)
"""


class PostgresAuthStore(PostgresParts):
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
        query = f"SELECT {USER}, password_hash FROM users WHERE email_key = $1"  # noqa: S608 - a constant
        async with self._database.connection() as connection:
            row = await connection.fetchrow(query, email_key(email))
        return None if row is None else Credentials(user_of(row), row["password_hash"])

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
    ) -> bool:
        async with self._database.transaction() as connection:
            # The lock lets a transaction that disables the user wait, so that it ends this session, too.
            enabled = await connection.fetchval(
                "SELECT id FROM users WHERE id = $1 AND disabled_at IS NULL"
                " AND ($2 OR password_changed_at IS NOT DISTINCT FROM $3) FOR SHARE",
                session.user_id,
                known is None,
                None if known is None else known.password_changed_at,
            )
            await connection.execute(_DELETE_EXPIRED, expired_before)
            if enabled is None:
                return False
            await _insert_session(connection, session, token)
            await record_arrival(connection, session, arrival)
        return True

    async def exchange(
        self,
        digest: bytes,
        next_digest: bytes,
        now: datetime,
        rules: SessionRules = DEFAULT_RULES,
        network: str = "",
    ) -> TokenExchange | None:
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_EXCHANGED, digest)
            if row is None:
                return None
            token = RefreshToken(
                row["digest"], row["session_id"], row["issued_at"], row["token_expires_at"], row["used_at"]
            )
            session = _session({**row, "id": row["session_id"], "created_at": row["began_at"]})
            following = None if token.used_at is None else await connection.fetchrow(_STORED, next_digest)
            next_token = None if following is None else RefreshToken(**following)
            rotation = rotate(Presented(token, session, next_digest, next_token), now, rules)
            if rotation.successor is not None:
                successor = rotation.successor
                await connection.execute(
                    _WRITE_SUCCESSOR,
                    now,
                    digest,
                    successor.digest,
                    successor.session_id,
                    successor.issued_at,
                    successor.expires_at,
                )
                await touch(connection, session.id, network, now)
            await _write_end(connection, session, rotation.session)
        return TokenExchange(rotation.verdict, rotation.session, user_of(row))

    async def end_session(self, session_id: str, now: datetime) -> Session | None:
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(f"{_SESSION} WHERE id = $1 FOR UPDATE", session_id)
            if row is None:
                return None
            ended = _session(row).end(now)
            await _write_end(connection, _session(row), ended)
        return ended

    async def renew_authentication(
        self, session_id: str, proof: Authentication, now: datetime
    ) -> tuple[Session, User] | None:
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(f"{_SESSION} WHERE id = $1 FOR UPDATE", session_id)
            if row is None or not _session(row).is_live(now):
                return None
            authentication = _session(row).authentication.stepped_up(proof)
            if authentication is None:
                return None
            await connection.execute(
                "UPDATE sessions SET methods = $2, authenticated_at = $3, factor_enrolled_at = $4 WHERE id = $1",
                session_id,
                *_proof_columns(authentication),
            )
            return await _session_with_user(connection, session_id)

    async def session(self, session_id: str) -> tuple[Session, User] | None:
        async with self._database.connection() as connection:
            return await _session_with_user(connection, session_id)

    async def sessions_ended_since(self, moment: datetime) -> list[Session]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(f"{_SESSION} WHERE ended_at >= $1", moment)
        return [_session(row) for row in rows]


async def _write_end(connection: PoolConnectionProxy, before: Session, after: Session) -> None:
    if after.ended_at is not None and after != before:
        await connection.execute("UPDATE sessions SET ended_at = $1 WHERE id = $2", after.ended_at, after.id)


def _session(row: Mapping[str, Any]) -> Session:
    proof = Authentication(
        parse_methods(row["methods"]), row["authenticated_at"] or row["created_at"], row["factor_enrolled_at"]
    )
    return Session(
        row["id"], row["user_id"], row["created_at"], row["expires_at"], row["ended_at"], authentication=proof
    )


def _proof_columns(authentication: Authentication) -> tuple[str, datetime, datetime | None]:
    return methods_text(authentication.methods), authentication.at, authentication.factor_enrolled_at


async def _session_with_user(connection: PoolConnectionProxy, session_id: str) -> tuple[Session, User] | None:
    row = await connection.fetchrow(f"{_SESSION} WHERE id = $1", session_id)
    if row is None:
        return None
    query = f"SELECT {USER} FROM users WHERE id = $1"  # noqa: S608 - a constant
    return _session(row), user_of(await connection.fetchrow(query, row["user_id"]))


async def _insert_session(connection: PoolConnectionProxy, session: Session, token: RefreshToken) -> None:
    await connection.execute(
        f"INSERT INTO sessions (id, user_id, created_at, expires_at, {_PROOF})"  # noqa: S608 - a constant
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        session.id,
        session.user_id,
        session.created_at,
        session.expires_at,
        *_proof_columns(session.authentication),
    )
    await connection.execute(
        "INSERT INTO refresh_tokens (digest, session_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)",
        token.digest,
        token.session_id,
        token.issued_at,
        token.expires_at,
    )
