"""Each kind of failure is one line that names the file and says what to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from servicekit.sqlite_failures import DamagedPages, explain, is_damage, is_failure

FILE = Path("/data/account.sqlite3")


def failing(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("no luck")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_CORRUPT, "is damaged (no luck); stop all processes and restore it from a backup"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "is damaged"),
        (sqlite3.SQLITE_FULL, "cannot grow because its disk is full (no luck); free some space"),
        (sqlite3.SQLITE_IOERR_WRITE, "cannot be read or written"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "is locked by another process"),
        (sqlite3.SQLITE_CANTOPEN, "cannot be opened"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "cannot be written"),
        (sqlite3.SQLITE_ERROR, "no luck"),
    ],
)
def test_the_code_gives_the_words(code: int, words: str) -> None:
    line = explain(FILE, failing(code))
    assert str(FILE) in line
    assert words in line
    assert "\n" not in line


def test_damage_is_told_from_other_failures() -> None:
    assert is_damage(failing(sqlite3.SQLITE_CORRUPT_VTAB))
    assert is_damage(failing(sqlite3.SQLITE_NOTADB))
    assert is_damage(DamagedPages("page 7"))
    assert not is_damage(failing(sqlite3.SQLITE_FULL))
    assert not is_damage(sqlite3.DatabaseError("made by Python, without a code"))


def test_a_mistake_of_the_caller_is_not_a_failure_of_the_file() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (x UNIQUE)")
        with pytest.raises(sqlite3.IntegrityError) as twice:
            connection.executemany("INSERT INTO t VALUES (?)", [(1,), (1,)])
        with pytest.raises(sqlite3.ProgrammingError) as bindings:
            connection.execute("SELECT ?")
    assert not is_failure(twice.value)
    assert not is_failure(bindings.value)
    assert is_failure(failing(sqlite3.SQLITE_FULL))
