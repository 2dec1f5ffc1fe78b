"""Sessions that ended before their access tokens expired.

Logout takes effect immediately: the auth service writes the session id to a list that every process reads on each
request. The embedded list is an SQLite file in the data directory, shared by all processes of one machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import TYPE_CHECKING, Protocol

import structlog

from bank import values
from servicekit.cautious_clock import CautiousClock
from servicekit.errors import StartupError, Unavailable
from servicekit.sqlite import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE_NAME = "revocations.sqlite3"

_log = structlog.stdlib.get_logger("revocation")


class RevocationList(Protocol):
    """The ids of sessions that have ended."""

    async def revoke(self, session_id: str, expires_at: float) -> None:
        """Add `session_id`; the entry may be removed after `expires_at` (Unix seconds).

        Raises:
            Unavailable: the list cannot be written.
        """

    async def is_revoked(self, session_id: str) -> bool:
        """Whether the session has ended.

        Raises:
            Unavailable: the list cannot be read; the session may have ended.
        """


class SqliteRevocationList:
    """The embedded list.

    The list is read on the event loop's thread. A look-up by primary key in such a small file takes about 10 µs, which
    is less than a switch to another thread. In write-ahead mode, a reader never waits for a writer. A writer may wait
    for another one, so it has a thread and a connection of its own.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] | None = None) -> None:
        """Open the list in `folder`, or create it.

        Args:
            folder: the data directory.
            clock: entries that have expired by it (Unix seconds) are deleted; by default a `CautiousClock`, because a
                token whose revocation was deleted too early would be valid again.

        Raises:
            StartupError: the file cannot be opened or created.
        """
        self._path = folder / FILE_NAME
        try:
            self._connection = connect(self._path)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS revocations"
                " (session_id TEXT PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            raise StartupError(f"cannot open the revocation list {self._path}: {error}") from error
        cautious = CautiousClock(values.now)
        self._clock = clock or (lambda: cautious().timestamp())

    async def revoke(self, session_id: str, expires_at: float) -> None:
        try:
            await asyncio.to_thread(self._write, session_id, expires_at, self._clock())
        except (OSError, sqlite3.Error) as error:
            raise _unavailable(error) from error

    def _write(self, session_id: str, expires_at: float, now: float) -> None:
        with contextlib.closing(connect(self._path)) as connection:
            # Each statement is its own transaction, because removing old entries may fail independently.
            connection.execute("DELETE FROM revocations WHERE expires_at < ?", (now,))
            connection.execute(
                "INSERT INTO revocations VALUES (?, ?)"
                " ON CONFLICT (session_id) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)",
                (session_id, expires_at),
            )

    async def is_revoked(self, session_id: str) -> bool:
        query = "SELECT 1 FROM revocations WHERE session_id = ?"
        try:
            return self._connection.execute(query, (session_id,)).fetchone() is not None
        except sqlite3.Error as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        self._connection.close()


def _unavailable(error: OSError | sqlite3.Error) -> Unavailable:
    _log.warning("revocation list unavailable", reason=str(error))
    return Unavailable()
