"""Stores in SQLite whether cached accounts may be used (`subgraphs.account.cache`)."""

from __future__ import annotations

from typing import Final

from subgraphs.kit.sqlite_store import NOW, SqliteStore

# These statements are part of a released migration and must not be edited.
CACHE_EPOCHS_TABLE: Final = (
    "CREATE TABLE cache_epochs (epoch TEXT NOT NULL, suspended_until INTEGER NOT NULL) STRICT",
    "INSERT INTO cache_epochs VALUES (lower(hex(randomblob(12))), 0)",
)

_EPOCH: Final = f"SELECT epoch FROM cache_epochs WHERE suspended_until <= {NOW}"  # noqa: S608 - a constant
_SUSPEND: Final = f"UPDATE cache_epochs SET epoch = lower(hex(randomblob(12))), suspended_until = {NOW} + ?"  # noqa: S608 - a constant


class SqliteCacheEpochs(SqliteStore):
    """The `CacheEpochs` in a table of one row."""

    async def cache_epoch(self) -> str | None:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(_EPOCH)
        return next((row["epoch"] for row in rows), None)

    async def suspend_cache(self, seconds: float) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(_SUSPEND, (round(seconds * 1000),))
