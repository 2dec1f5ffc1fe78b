"""API keys in the SQLite file of the auth service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.api_keys.api_key import DEAD_KEPT, USE_INTERVAL, ApiKey, KeyUse, session_prefix
from subgraphs.auth.audit_log.sqlite import append_entry
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from datetime import datetime

    from servicekit.sqlite import Database
    from servicekit.sqlite_statements import Statements
    from subgraphs.auth.audit_log.entry import NewEntry

# The ends of the secrets are one text, so that each key is one row.
_KEYS: Final = """
SELECT k.*, (
    SELECT group_concat(ends_at) FROM (
        SELECT ends_at FROM api_key_secrets WHERE key_id = k.id AND ends_at > :now ORDER BY ends_at DESC
    )
) AS ends FROM api_keys k
"""


class SqliteApiKeys:
    """The `ApiKeyStore` in one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: ApiKey, digest: bytes, most: int, audit: NewEntry) -> bool:
        created_at, expires_at = to_milliseconds(key.created_at), to_milliseconds(key.expires_at)
        dead = to_milliseconds(key.created_at - DEAD_KEPT)
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM api_keys WHERE user_id = ? AND (expires_at < ? OR revoked_at < ?)",
                (key.user_id, dead, dead),
            )
            inserted = await connection.execute(
                "INSERT INTO api_keys (id, user_id, name, scopes, created_at, expires_at)"
                " SELECT :id, :user, :name, :scopes, :now, :end FROM users WHERE users.id = :user AND :most > ("
                "  SELECT count(*) FROM api_keys WHERE user_id = :user AND revoked_at IS NULL AND expires_at > :now)",
                {
                    "id": key.id,
                    "user": key.user_id,
                    "name": key.name,
                    "scopes": " ".join(sorted(key.scopes)),
                    "now": created_at,
                    "end": expires_at,
                    "most": most,
                },
            )
            if inserted != 1:
                return False
            await connection.execute(
                "INSERT INTO api_key_secrets (digest, key_id, created_at, ends_at) VALUES (?, ?, ?, ?)",
                (digest, key.id, created_at, expires_at),
            )
            await append_entry(connection, audit)
        return True

    async def of_user(self, user_id: str, now: datetime) -> list[ApiKey]:
        where = " WHERE user_id = :user AND revoked_at IS NULL AND expires_at > :now ORDER BY created_at, id"
        values = {"user": user_id, "now": to_milliseconds(now)}
        async with self._database.snapshot() as connection:
            return [_key(row) for row in await connection.execute_fetchall(_KEYS + where, values)]

    async def find(self, key_id: str, now: datetime) -> ApiKey | None:
        async with self._database.snapshot() as connection:
            return await _find(connection, key_id, now)

    async def use(self, digest: bytes, now: datetime) -> KeyUse | None:
        query = "SELECT key_id, ends_at FROM api_key_secrets WHERE digest = ?"
        async with self._database.snapshot() as connection:
            for row in await connection.execute_fetchall(query, (digest,)):
                key = await _find(connection, row["key_id"], now)
                return None if key is None else KeyUse(key, from_milliseconds(row["ends_at"]))
        return None

    async def touch(self, key_id: str, now: datetime) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE api_keys SET last_used_at = ? WHERE id = ? AND coalesce(last_used_at, 0) <= ?",
                (to_milliseconds(now), key_id, to_milliseconds(now - USE_INTERVAL)),
            )

    async def rotate(self, key_id: str, digest: bytes, now: datetime, old_ends_at: datetime, audit: NewEntry) -> bool:
        async with self._database.transaction() as connection:
            key = await _find(connection, key_id, now)
            if key is None or not key.is_live(now):
                return False
            await connection.execute(
                "DELETE FROM api_key_secrets WHERE key_id = ? AND digest NOT IN ("
                " SELECT digest FROM api_key_secrets WHERE key_id = ? ORDER BY created_at DESC, ends_at DESC LIMIT 1)",
                (key_id, key_id),
            )
            await connection.execute(
                "UPDATE api_key_secrets SET ends_at = min(ends_at, ?) WHERE key_id = ?",
                (to_milliseconds(old_ends_at), key_id),
            )
            await connection.execute(
                "INSERT INTO api_key_secrets (digest, key_id, created_at, ends_at) VALUES (?, ?, ?, ?)",
                (digest, key_id, to_milliseconds(now), to_milliseconds(key.expires_at)),
            )
            await _end_sessions(connection, key_id, now)
            await append_entry(connection, audit)
        return True

    async def revoke(self, key_id: str, now: datetime, audit: NewEntry) -> bool:
        async with self._database.transaction() as connection:
            changed = await connection.execute(
                "UPDATE api_keys SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL AND expires_at > :now",
                {"now": to_milliseconds(now), "id": key_id},
            )
            if changed != 1:
                return False
            await _end_sessions(connection, key_id, now)
            await append_entry(connection, audit)
        return True


async def _find(connection: Statements, key_id: str, now: datetime) -> ApiKey | None:
    values = {"id": key_id, "now": to_milliseconds(now)}
    rows = await connection.execute_fetchall(f"{_KEYS} WHERE id = :id", values)
    return next((_key(row) for row in rows), None)


async def _end_sessions(connection: Statements, key_id: str, now: datetime) -> None:
    await connection.execute(
        "UPDATE sessions SET ended_at = ? WHERE id BETWEEN ? AND ? AND ended_at IS NULL",
        (to_milliseconds(now), session_prefix(key_id), f"{session_prefix(key_id)}g"),  # hexadecimal digits end with f
    )


def _key(row: Any) -> ApiKey:
    return ApiKey(
        row["id"],
        row["user_id"],
        row["name"],
        frozenset(row["scopes"].split()),
        from_milliseconds(row["created_at"]),
        from_milliseconds(row["expires_at"]),
        None if row["revoked_at"] is None else from_milliseconds(row["revoked_at"]),
        None if row["last_used_at"] is None else from_milliseconds(row["last_used_at"]),
        tuple(from_milliseconds(int(end)) for end in (row["ends"] or "").split(",") if end),
    )
