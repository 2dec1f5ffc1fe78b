"""Looks for damaged pages of an SQLite file (https://sqlite.org/pragma.html#pragma_quick_check)."""

from __future__ import annotations

import sqlite3
import time
from typing import Final

from servicekit.sqlite_failures import DamagedPages

# SQLite calls back after this number of instructions of its virtual machine, so that the elapsed time can be checked.
_CHECK_INTERVAL: Final = 10_000


def check_pages(connection: sqlite3.Connection, seconds: float | None = None) -> None:
    """Look for damaged pages, for at most `seconds`. Then not all pages of a large file are checked.

    Raises:
        sqlite3.DatabaseError: a page is damaged, or the file cannot be read.
    """
    if seconds is not None:
        end = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > end, _CHECK_INTERVAL)
    try:
        found = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
    except sqlite3.OperationalError as error:
        if seconds is None or error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        connection.set_progress_handler(None, 0)
    if found != ["ok"]:
        raise DamagedPages(found[0].splitlines()[-1])
