"""Refresh tokens in the PostgreSQL store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.auth.domain import DEFAULT_RULES, Presented, RefreshToken, rotate
from subgraphs.auth.sessions.session_list import TOUCH_AGAIN
from subgraphs.auth.store.postgres_parts import PostgresParts
from subgraphs.auth.store.postgres_session_rows import PROOF, session_of, write_end
from subgraphs.auth.store.postgres_users import user_of
from subgraphs.auth.store.protocol import TokenExchange
from subgraphs.auth.store.user_columns import USER

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy

    from subgraphs.auth.domain import SessionRules

_OWNER: Final = """
SELECT user_id FROM sessions JOIN refresh_tokens ON refresh_tokens.session_id = sessions.id WHERE digest = $1
"""
_EXCHANGED: Final = f"""
SELECT
    token.digest, token.session_id, token.issued_at, token.expires_at AS token_expires_at, token.used_at,
    session.user_id, session.created_at AS began_at, session.expires_at, session.ended_at, session.token_family,
    {PROOF}, {USER}
FROM refresh_tokens AS token
JOIN sessions AS session ON session.id = token.session_id
JOIN users ON users.id = session.user_id
WHERE token.digest = $1
FOR UPDATE OF token, session
"""  # noqa: S608 - constants
# The exchange has locked the session, so no other exchange changes this token meanwhile.
_STORED: Final = "SELECT digest, session_id, issued_at, expires_at, used_at FROM refresh_tokens WHERE digest = $1"
# All parts of the statement see the rows as they were before it, so the token that it marks as used is not deleted.
# Another exchange may have locked an older token, and wait for the session. Its token is skipped, because this exchange
# must not wait for the other one. The last use of the session is stored, unless it was less than a minute before.
_WRITE_SUCCESSOR: Final = """
WITH used AS (UPDATE refresh_tokens SET used_at = $1 WHERE digest = $2),
deleted AS (
    DELETE FROM refresh_tokens WHERE digest IN (
        SELECT digest FROM refresh_tokens WHERE session_id = $4 AND used_at IS NOT NULL AND $7 FOR UPDATE SKIP LOCKED
    )
),
touched AS (
    UPDATE sessions SET last_used_at = $1, network = $8 WHERE id = $4 AND coalesce(last_used_at, created_at) <= $9
)
INSERT INTO refresh_tokens (digest, session_id, issued_at, expires_at) VALUES ($3, $4, $5, $6)
"""
_END_FAMILY: Final = """
UPDATE sessions SET ended_at = $2 WHERE token_family = $1 AND ended_at IS NULL AND expires_at > $2 RETURNING id
"""


class PostgresRefreshTokens(PostgresParts):
    """The part of the `AuthStore` that is about refresh tokens."""

    async def token_owner(self, digest: bytes) -> str | None:
        async with self._database.connection() as connection:
            owner: str | None = await connection.fetchval(_OWNER, digest)
        return owner

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
            session = session_of({**row, "id": row["session_id"], "created_at": row["began_at"]})
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
                    session.family is not None,
                    network,
                    now - TOUCH_AGAIN,
                )
            await write_end(connection, session, rotation.session)
        return TokenExchange(rotation.verdict, rotation.session, user_of(row))

    async def end_family(self, family: bytes, now: datetime) -> str | None:
        async with self._database.transaction() as connection:
            ended: str | None = await connection.fetchval(_END_FAMILY, family, now)
        return ended


async def insert_token(connection: PoolConnectionProxy, token: RefreshToken) -> None:
    await connection.execute(
        "INSERT INTO refresh_tokens (digest, session_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)",
        token.digest,
        token.session_id,
        token.issued_at,
        token.expires_at,
    )
