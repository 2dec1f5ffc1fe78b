"""Users, sessions and signing keys in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.audit_log.sqlite import append_entry
from subgraphs.auth.authentication import Authentication, methods_text, parse_methods
from subgraphs.auth.domain import DEFAULT_RULES, Presented, RefreshToken, Role, Session, User, email_key, rotate
from subgraphs.auth.mail.sqlite_outbox import insert_mails
from subgraphs.auth.sessions.session_list import UNKNOWN_ARRIVAL
from subgraphs.auth.sessions.sqlite_sessions import record_arrival, touch
from subgraphs.auth.store.migrations import MIGRATIONS
from subgraphs.auth.store.protocol import Credentials, EmailExists, TokenExchange
from subgraphs.auth.store.sqlite_parts import SqliteParts
from subgraphs.auth.store.sqlite_users import USER, end_sessions, roles_of, roles_text, user_of
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from servicekit.sqlite_statements import Queries, Statements
    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.domain import SessionRules
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.auth.sessions.session_list import Arrival

_PROOF: Final = "methods, authenticated_at, factor_enrolled_at"
_SESSION: Final = f"SELECT id, user_id, created_at, expires_at, ended_at, {_PROOF} FROM sessions"  # noqa: S608 - constants


class SqliteAuthStore(SqliteParts):
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
        query = f"SELECT {USER}, password_hash FROM users WHERE email_key = ?"  # noqa: S608 - a constant
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, (email_key(email),))
        return next((Credentials(user_of(row), row["password_hash"]) for row in rows), None)

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
    ) -> bool:
        changed_at = None if known is None else known.password_changed_at
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM sessions WHERE expires_at < ?", (to_milliseconds(expired_before),))
            inserted = await connection.execute(
                f"INSERT INTO sessions (id, user_id, created_at, expires_at, {_PROOF})"  # noqa: S608 - a constant
                " SELECT ?, id, ?, ?, ?, ?, ? FROM users"
                " WHERE id = ? AND disabled_at IS NULL AND (? OR password_changed_at IS ?)",
                (
                    session.id,
                    to_milliseconds(session.created_at),
                    to_milliseconds(session.expires_at),
                    *_proof_columns(session.authentication),
                    session.user_id,
                    known is None,
                    None if changed_at is None else to_milliseconds(changed_at),
                ),
            )
            if inserted != 1:
                return False
            await _insert_token(connection, token)
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
            token = await _find_token(connection, digest)
            if token is None:
                return None
            session, user = await _session_and_user(connection, token.session_id)
            following = None if token.used_at is None else await _find_token(connection, next_digest)
            rotation = rotate(Presented(token, session, next_digest, following), now, rules)
            if rotation.successor is not None:
                await connection.execute(
                    "UPDATE refresh_tokens SET used_at = ? WHERE digest = ?", (to_milliseconds(now), digest)
                )
                await _insert_token(connection, rotation.successor)
                await touch(connection, session.id, network, now)
            await _write_end(connection, session, rotation.session)
        return TokenExchange(rotation.verdict, rotation.session, user)

    async def end_session(self, session_id: str, now: datetime) -> Session | None:
        async with self._database.transaction() as connection:
            for row in await connection.execute_fetchall(f"{_SESSION} WHERE id = ?", (session_id,)):
                ended = _session(row).end(now)
                await _write_end(connection, _session(row), ended)
                return ended
        return None

    async def renew_authentication(
        self, session_id: str, proof: Authentication, now: datetime
    ) -> tuple[Session, User] | None:
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(f"{_SESSION} WHERE id = ?", (session_id,))
            if not rows or not _session(rows[0]).is_live(now):
                return None
            authentication = _session(rows[0]).authentication.stepped_up(proof)
            if authentication is None:
                return None
            await connection.execute(
                "UPDATE sessions SET methods = ?, authenticated_at = ?, factor_enrolled_at = ? WHERE id = ?",
                (*_proof_columns(authentication), session_id),
            )
            return await _session_and_user(connection, session_id)

    async def session(self, session_id: str) -> tuple[Session, User] | None:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall("SELECT id FROM sessions WHERE id = ?", (session_id,))
            return await _session_and_user(connection, session_id) if rows else None

    async def sessions_ended_since(self, moment: datetime) -> list[Session]:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(f"{_SESSION} WHERE ended_at >= ?", (to_milliseconds(moment),))
        return [_session(row) for row in rows]


async def _insert_token(connection: Statements, token: RefreshToken) -> None:
    await connection.execute(
        "INSERT INTO refresh_tokens (digest, session_id, issued_at, expires_at) VALUES (?, ?, ?, ?)",
        (token.digest, token.session_id, to_milliseconds(token.issued_at), to_milliseconds(token.expires_at)),
    )


async def _find_token(connection: Statements, digest: bytes) -> RefreshToken | None:
    query = "SELECT digest, session_id, issued_at, expires_at, used_at FROM refresh_tokens WHERE digest = ?"
    for row in await connection.execute_fetchall(query, (digest,)):
        used_at = None if row["used_at"] is None else from_milliseconds(row["used_at"])
        issued_at, expires_at = from_milliseconds(row["issued_at"]), from_milliseconds(row["expires_at"])
        return RefreshToken(row["digest"], row["session_id"], issued_at, expires_at, used_at)
    return None


async def _session_and_user(connection: Queries, session_id: str) -> tuple[Session, User]:
    """Return the session of a stored token, and the session's user. Foreign keys guarantee that both exist."""
    (session_row,) = await connection.execute_fetchall(f"{_SESSION} WHERE id = ?", (session_id,))
    query = f"SELECT {USER} FROM users WHERE id = ?"  # noqa: S608 - a constant
    (user_row,) = await connection.execute_fetchall(query, (session_row["user_id"],))
    return _session(session_row), user_of(user_row)


async def _write_end(connection: Statements, before: Session, after: Session) -> None:
    if after.ended_at is not None and after != before:
        await connection.execute(
            "UPDATE sessions SET ended_at = ? WHERE id = ?", (to_milliseconds(after.ended_at), after.id)
        )


def _session(row: Any) -> Session:
    created_at = from_milliseconds(row["created_at"])
    proof = Authentication(
        parse_methods(row["methods"]),
        _time(row["authenticated_at"]) or created_at,
        _time(row["factor_enrolled_at"]),
    )
    return Session(
        row["id"],
        row["user_id"],
        created_at,
        from_milliseconds(row["expires_at"]),
        _time(row["ended_at"]),
        authentication=proof,
    )


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_milliseconds(milliseconds)


def _proof_columns(authentication: Authentication) -> tuple[str, int, int | None]:
    enrolled = authentication.factor_enrolled_at
    return (
        methods_text(authentication.methods),
        to_milliseconds(authentication.at),
        None if enrolled is None else to_milliseconds(enrolled),
    )
