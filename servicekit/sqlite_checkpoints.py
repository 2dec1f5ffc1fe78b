"""Copies the pages of SQLite's write-ahead log into the file, in a separate thread.

By default, SQLite does this at the end of every commit after which the log has more than 1,000 pages. That commit then
takes several times as long, and all transactions that wait for the writer take as long as it does. The thread has a
connection of its own, so transactions are committed while it copies ("passive" checkpoint):

```
commits     |  |  |  |  |  |  |  |  |  |  |  |  |  |  |  |
thread                    '-- copy --'          '-- copy --'
```

When a copy has reached the end of the log, the next transaction writes at the beginning of the log again.
"""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Final

import structlog

from servicekit.sqlite_statements import CallThread

if TYPE_CHECKING:
    from pathlib import Path

COMMITS: Final = 32
"""The log is copied after this number of commits. A commit of a group of transactions has 10 to 30 pages, so this is
SQLite's default of 1,000 pages or less."""

MAX_LOG_PAGES: Final = 4_000
"""If the log has more pages, the commits copy it themselves, because the thread is too slow, or transactions have been
committed during every copy, so that no copy has reached the end of the log. 4,000 pages are 16 MB."""

_log = structlog.stdlib.get_logger("sqlite")


class Checkpoints:
    """Copies the log after every `COMMITS` commits."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._thread = CallThread(f"checkpoints of {path.name}")
        self._commits = 0
        self._copying: asyncio.Task[None] | None = None

    def count_commit(self) -> None:
        """Count a commit, and begin to copy the log if it is time to do so."""
        self._commits += 1
        if self._commits >= COMMITS and (self._copying is None or self._copying.done()):
            self._commits = 0
            self._copying = asyncio.get_running_loop().create_task(self._thread.run(self._copy))

    async def wait(self) -> None:
        """Wait until the running copy has ended."""
        if self._copying is not None:
            await self._copying

    async def close(self) -> None:
        """Wait until the running copy has ended, and close the connection."""
        await self._thread.close(self._connection.close)
        await self.wait()

    def _copy(self) -> None:
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            # Nothing is lost: the pages remain in the log, and are copied later.
            _log.warning("the write-ahead log was not copied", path=str(self._path), error=str(error))
