"""Sessions that ended before their access tokens expired.

Logout is immediate: the auth service writes the session id, every process reads the list on each request. Embedded,
the list is an SQLite file in the data directory that all processes of one machine share.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Protocol

from servicekit.errors import StartupError
from servicekit.sqlite import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE_NAME = "revocations.sqlite3"


class RevocationList(Protocol):
    async def revoke(self, session_id: str, expires_at: float) -> None:
        """End `session_id`; the entry may be forgotten after `expires_at` (Unix seconds)."""

    async def is_revoked(self, session_id: str) -> bool:
        """Whether the session was ended."""


class SqliteRevocationList:
    """The embedded list.

    It reads on the event loop's own thread: a look-up by primary key in a file this small takes some 10 µs, a hop to
    another thread takes more, and in write-ahead mode a reader never waits for a writer.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open or make the list in `folder`. Raises StartupError when that is impossible."""
        path = folder / FILE_NAME
        try:
            self._connection = connect(path)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS revocations"
                " (session_id TEXT PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            raise StartupError(f"cannot open the revocation list {path}: {error}") from error
        self._clock = clock

    async def revoke(self, session_id: str, expires_at: float) -> None:
        # One statement list in one implicit transaction each: forgetting old entries may fail independently.
        self._connection.execute("DELETE FROM revocations WHERE expires_at < ?", (self._clock(),))
        self._connection.execute(
            "INSERT INTO revocations VALUES (?, ?)"
            " ON CONFLICT (session_id) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)",
            (session_id, expires_at),
        )

    async def is_revoked(self, session_id: str) -> bool:
        row = self._connection.execute("SELECT 1 FROM revocations WHERE session_id = ?", (session_id,)).fetchone()
        return row is not None

    def close(self) -> None:
        self._connection.close()
