"""Reads an SQLite store with SQLite's online backup API. The service continues to write."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from bank.values import format_timestamp, now
from mosafe.backup.backup_files import CHUNK
from mosafe.backup.errors import STORE, BackupError
from mosafe.backup.manifest import StoreFacts
from mosafe.backup.store_snapshot import Part
from servicekit.sqlite import BUSY_SECONDS
from servicekit.sqlite_failures import explain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mosafe.backup.store_snapshot import Write

# How many pages are copied before other threads get a turn.
_PAGES: Final = 1_000


@contextmanager
def changes_held(path: Path) -> Iterator[None]:
    """Let no transaction change the store during the block. Writers wait; readers do not.

    Raises:
        BackupError: the file cannot be locked.
    """
    with _explained(path), closing(_connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.rollback()


class SqliteSnapshot:
    """One SQLite file in a read transaction. The copy is made in a private folder, and deleted when it was read."""

    def __init__(self, name: str, path: Path, connection: sqlite3.Connection) -> None:
        self._name = name
        self._path = path
        self._connection = connection
        # The first read begins the snapshot.
        ((migration,),) = connection.execute("PRAGMA user_version").fetchall()
        ((store_id, changes),) = connection.execute("SELECT id, changes FROM store_identity").fetchall()
        self.facts = StoreFacts(
            name=name,
            kind="sqlite",
            server=f"SQLite {sqlite3.sqlite_version}",
            method="online backup API",
            point_in_time=format_timestamp(now()),
            migration=migration,
            store_id=store_id,
            changes=changes,
        )

    @classmethod
    @contextmanager
    def open(cls, name: str, path: Path) -> Iterator[SqliteSnapshot]:
        """Raises BackupError if the file is missing or is not a store."""
        if not path.is_file():
            raise BackupError(STORE, f"the {name} store is missing: {path}")
        with _explained(path), closing(_connect(path)) as connection:
            connection.execute("BEGIN")
            yield cls(name, path, connection)

    def parts(self) -> Iterator[Part]:
        yield Part(f"{self._name}/{self._name}.sqlite3", self._dump)

    def _dump(self, write: Write) -> None:
        with TemporaryDirectory(prefix=".backup-", dir=self._path.parent) as folder:
            copy = Path(folder) / self._path.name
            with _explained(self._path), closing(sqlite3.connect(copy)) as target:
                self._connection.backup(target, pages=_PAGES)
            with copy.open("rb") as file:
                while data := file.read(CHUNK):
                    write(data)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise BackupError(STORE, explain(path, error)) from error
