"""Refresh tokens in the SQLite store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.auth.domain import DEFAULT_RULES, Presented, RefreshToken, rotate
from subgraphs.auth.sessions.sqlite_sessions import touch
from subgraphs.auth.store.protocol import TokenExchange
from subgraphs.auth.store.sqlite_parts import SqliteParts
from subgraphs.auth.store.sqlite_session_rows import session_and_user, write_end
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from datetime import datetime

    from servicekit.sqlite_statements import Statements
    from subgraphs.auth.domain import SessionRules

_OWNER: Final = """
SELECT user_id FROM sessions JOIN refresh_tokens ON refresh_tokens.session_id = sessions.id WHERE digest = ?
"""
_END_FAMILY: Final = """
UPDATE sessions SET ended_at = :now WHERE token_family = :family AND ended_at IS NULL AND expires_at > :now
RETURNING id
"""


class SqliteRefreshTokens(SqliteParts):
    """The part of the `AuthStore` that is about refresh tokens."""

    async def token_owner(self, digest: bytes) -> str | None:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(_OWNER, (digest,))
        return next((row["user_id"] for row in rows), None)

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
            session, user = await session_and_user(connection, token.session_id)
            following = None if token.used_at is None else await _find_token(connection, next_digest)
            rotation = rotate(Presented(token, session, next_digest, following), now, rules)
            if rotation.successor is not None:
                if session.family is not None:
                    await connection.execute(
                        "DELETE FROM refresh_tokens WHERE session_id = ? AND used_at IS NOT NULL", (session.id,)
                    )
                await connection.execute(
                    "UPDATE refresh_tokens SET used_at = ? WHERE digest = ?", (to_milliseconds(now), digest)
                )
                await insert_token(connection, rotation.successor)
                await touch(connection, session.id, network, now)
            await write_end(connection, session, rotation.session)
        return TokenExchange(rotation.verdict, rotation.session, user)

    async def end_family(self, family: bytes, now: datetime) -> str | None:
        async with self._database.transaction(is_short=True) as connection:
            rows = await connection.execute_fetchall(_END_FAMILY, {"family": family, "now": to_milliseconds(now)})
        return next((row["id"] for row in rows), None)


async def insert_token(connection: Statements, token: RefreshToken) -> None:
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
