"""API keys in the PostgreSQL database of the auth service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.api_keys.api_key import DEAD_KEPT, USE_INTERVAL, ApiKey, KeyUse, session_prefix
from subgraphs.auth.audit_log.postgres import append_entry
from subgraphs.kit.postgres import is_storable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.kit.postgres import PostgresDatabase

_KEYS: Final = """
SELECT k.*, ARRAY(
    SELECT ends_at FROM api_key_secrets WHERE key_id = k.id AND ends_at > $1 ORDER BY ends_at DESC
) AS ends FROM api_keys k
"""


class PostgresApiKeys:
    """The `ApiKeyStore` in a PostgreSQL database."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def add(self, key: ApiKey, digest: bytes, most: int, audit: NewEntry) -> bool:
        async with self._database.transaction() as connection:
            # The lock lets concurrent transactions count the keys of this one.
            owner = await connection.fetchval("SELECT id FROM users WHERE id = $1 FOR UPDATE", key.user_id)
            live = await connection.fetchval(
                "SELECT count(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2",
                key.user_id,
                key.created_at,
            )
            await connection.execute(
                "DELETE FROM api_keys WHERE user_id = $1 AND (expires_at < $2 OR revoked_at < $2)",
                key.user_id,
                key.created_at - DEAD_KEPT,
            )
            if owner is None or live >= most:
                return False
            await connection.execute(
                "INSERT INTO api_keys (id, user_id, name, scopes, created_at, expires_at)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                key.id,
                key.user_id,
                key.name,
                " ".join(sorted(key.scopes)),
                key.created_at,
                key.expires_at,
            )
            await _insert_secret(connection, digest, key, key.created_at)
            await append_entry(connection, audit)
        return True

    async def of_user(self, user_id: str, now: datetime) -> list[ApiKey]:
        where = " WHERE user_id = $2 AND revoked_at IS NULL AND expires_at > $1 ORDER BY created_at, id"
        async with self._database.connection() as connection:
            return [_key(row) for row in await connection.fetch(_KEYS + where, now, user_id)]

    async def find(self, key_id: str, now: datetime) -> ApiKey | None:
        if not is_storable(key_id):
            return None
        async with self._database.connection() as connection:
            return await _find(connection, key_id, now)

    async def use(self, digest: bytes, now: datetime) -> KeyUse | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow("SELECT key_id, ends_at FROM api_key_secrets WHERE digest = $1", digest)
            key = None if row is None else await _find(connection, row["key_id"], now)
        return None if key is None else KeyUse(key, row["ends_at"])

    async def touch(self, key_id: str, now: datetime) -> None:
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE api_keys SET last_used_at = $1 WHERE id = $2 AND (last_used_at IS NULL OR last_used_at <= $3)",
                now,
                key_id,
                now - USE_INTERVAL,
            )

    async def rotate(self, key_id: str, digest: bytes, now: datetime, old_ends_at: datetime, audit: NewEntry) -> bool:
        if not is_storable(key_id):
            return False
        async with self._database.transaction() as connection:
            await connection.execute("SELECT id FROM api_keys WHERE id = $1 FOR UPDATE", key_id)
            key = await _find(connection, key_id, now)
            if key is None or not key.is_live(now):
                return False
            await connection.execute(
                "DELETE FROM api_key_secrets WHERE key_id = $1 AND digest NOT IN ("
                " SELECT digest FROM api_key_secrets WHERE key_id = $1 ORDER BY created_at DESC, ends_at DESC LIMIT 1)",
                key_id,
            )
            await connection.execute(
                "UPDATE api_key_secrets SET ends_at = least(ends_at, $1) WHERE key_id = $2", old_ends_at, key_id
            )
            await _insert_secret(connection, digest, key, now)
            await _end_sessions(connection, key_id, now)
            await append_entry(connection, audit)
        return True

    async def revoke(self, key_id: str, now: datetime, audit: NewEntry) -> bool:
        if not is_storable(key_id):
            return False
        async with self._database.transaction() as connection:
            changed = await connection.fetchval(
                "UPDATE api_keys SET revoked_at = $1"
                " WHERE id = $2 AND revoked_at IS NULL AND expires_at > $1 RETURNING id",
                now,
                key_id,
            )
            if changed is None:
                return False
            await _end_sessions(connection, key_id, now)
            await append_entry(connection, audit)
        return True


async def _insert_secret(connection: PoolConnectionProxy, digest: bytes, key: ApiKey, now: datetime) -> None:
    await connection.execute(
        "INSERT INTO api_key_secrets (digest, key_id, created_at, ends_at) VALUES ($1, $2, $3, $4)",
        digest,
        key.id,
        now,
        key.expires_at,
    )


async def _find(connection: PoolConnectionProxy, key_id: str, now: datetime) -> ApiKey | None:
    row = await connection.fetchrow(f"{_KEYS} WHERE id = $2", now, key_id)
    return None if row is None else _key(row)


async def _end_sessions(connection: PoolConnectionProxy, key_id: str, now: datetime) -> None:
    await connection.execute(
        "UPDATE sessions SET ended_at = $1 WHERE id BETWEEN $2 AND $3 AND ended_at IS NULL",
        now,
        session_prefix(key_id),
        f"{session_prefix(key_id)}g",  # hexadecimal digits end with f
    )


def _key(row: Mapping[str, Any]) -> ApiKey:
    return ApiKey(
        row["id"],
        row["user_id"],
        row["name"],
        frozenset(row["scopes"].split()),
        row["created_at"],
        row["expires_at"],
        row["revoked_at"],
        row["last_used_at"],
        tuple(row["ends"]),
    )
