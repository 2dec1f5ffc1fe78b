"""Explains to operators, in one line, what is wrong with an SQLite file.

SQLite's result codes: https://sqlite.org/rescode.html
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from servicekit.errors import StoreFailure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The mask for the primary code, which is the low byte of an extended result code.
_PRIMARY: Final = 0xFF
_DAMAGED: Final = "is damaged"
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# Maps a primary result code to two texts: what is wrong, and what to do.
_EXPLANATIONS: Final[Mapping[int, tuple[str, str]]] = {
    sqlite3.SQLITE_CORRUPT: (_DAMAGED, "stop all processes and restore it from a backup"),
    sqlite3.SQLITE_NOTADB: (_DAMAGED, "stop all processes and restore it from a backup"),
    sqlite3.SQLITE_FULL: ("cannot grow because its disk is full", "free some space"),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", "check its disk and its permissions"),
    sqlite3.SQLITE_BUSY: ("is locked by another process", "end that process, or try again"),
    sqlite3.SQLITE_LOCKED: ("is locked by another process", "end that process, or try again"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "check that it exists and its permissions"),
    sqlite3.SQLITE_READONLY: ("cannot be written", "check its permissions"),
    sqlite3.SQLITE_PERM: ("cannot be opened", "check its permissions"),
}
# These errors are mistakes of the caller, such as a violated constraint. They do not show that the file is damaged.
_MISTAKES: Final = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    sqlite3.InternalError,
    sqlite3.NotSupportedError,
)


class StoreLocked(StoreFailure):
    """Other transactions have kept the file locked for as long as a transaction could wait. It has changed nothing."""


class DamagedPages(sqlite3.DatabaseError):
    """Raised when our own check has found damage in the file. It has a result code, like the errors of SQLite."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    sqlite_errorname = "SQLITE_CORRUPT"


def is_failure(error: sqlite3.DatabaseError) -> bool:
    """Whether `error` is caused by the file and not by the statement."""
    return not isinstance(error, _MISTAKES)


def is_lock(error: sqlite3.DatabaseError) -> bool:
    """Whether another process has locked the file."""
    return _primary_code(error) == sqlite3.SQLITE_BUSY


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the content of the file is damaged."""
    return _primary_code(error) in _DAMAGE


def explain(path: Path, error: sqlite3.DatabaseError) -> str:
    """Return one line: the file, what is wrong with it, SQLite's message, and what to do."""
    known = _EXPLANATIONS.get(_primary_code(error))
    if known is None:
        return f"cannot use the database {path}: {error}"
    problem, advice = known
    return f"the database {path} {problem} ({error}); {advice}"


def _primary_code(error: sqlite3.DatabaseError) -> int:
    # Errors that the module `sqlite3` raises itself have no code.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & _PRIMARY
