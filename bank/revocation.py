"""Sessions that ended before their access tokens expired.

Logout takes effect immediately: the auth service writes the session id to a list that every process reads on each
request. `SqliteRevocationList` needs no server: it is an SQLite file in the data directory, which all processes of one
machine share.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Protocol

import structlog

from bank import values
from servicekit.cautious_clock import CautiousClock
from servicekit.errors import StartupError, StoreFailure
from servicekit.sqlite import connect
from servicekit.sqlite_failures import explain, is_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FILE_NAME = "revocations.sqlite3"

_log = structlog.stdlib.get_logger("revocation")


class RevocationList(Protocol):
    """The ids of sessions that have ended."""

    async def revoke(self, session_id: str, expires_at: float) -> None:
        """Add `session_id`; after `expires_at` (Unix seconds), the entry may be removed.

        Raises:
            StoreFailure: the list cannot be written.
        """

    async def is_revoked(self, session_id: str) -> bool:
        """Whether the session has ended.

        Raises:
            StoreFailure: the list cannot be read, so it is unknown whether the session has ended.
        """


class SqliteRevocationList:
    """A revocation list in an SQLite file.

    The list is read on the event loop's thread. A look-up by primary key in such a small file takes about 10 µs, which
    is less than a switch to another thread. In write-ahead mode, a reader never waits for a writer. But a writer may
    wait for another writer, so writes use another thread and another connection.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] | None = None) -> None:
        """Open the list in `folder`, or create it.

        Args:
            folder: the data directory.
            clock: returns Unix seconds. Entries that have expired by this clock are deleted. If an entry were deleted
                too early, its tokens would be valid again, so the default is a `CautiousClock`.

        Raises:
            StartupError: the file cannot be opened or created, or is damaged.
        """
        self._path = folder / FILE_NAME
        try:
            self._connection = connect(self._path)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS revocations"
                " (session_id TEXT PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID"
            )
            self._look_up("")
        except OSError as error:
            raise StartupError(f"cannot open the revocation list {self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StartupError(explain(self._path, error)) from error
        cautious = CautiousClock(values.now)
        self._clock = clock or (lambda: cautious().timestamp())

    async def revoke(self, session_id: str, expires_at: float) -> None:
        with self._failures():
            await asyncio.to_thread(self._write, session_id, expires_at, self._clock())

    async def is_revoked(self, session_id: str) -> bool:
        with self._failures():
            return self._look_up(session_id)

    def close(self) -> None:
        self._connection.close()

    def _look_up(self, session_id: str) -> bool:
        row = self._connection.execute("SELECT 1 FROM revocations WHERE session_id = ?", (session_id,)).fetchone()
        return row is not None

    def _write(self, session_id: str, expires_at: float, now: float) -> None:
        with closing(connect(self._path)) as connection:
            # Each statement is its own transaction: if the deletion of old entries fails, the insertion is kept.
            connection.execute("DELETE FROM revocations WHERE expires_at < ?", (now,))
            connection.execute(
                "INSERT INTO revocations VALUES (?, ?)"
                " ON CONFLICT (session_id) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)",
                (session_id, expires_at),
            )

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if not is_failure(error):
                raise
            explanation = explain(self._path, error)
            _log.warning("revocation list unavailable", explanation=explanation)
            raise StoreFailure(explanation) from error
        except OSError as error:
            raise StoreFailure(f"cannot open the revocation list {self._path}: {error}") from error
