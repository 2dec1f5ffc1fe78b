"""Restores an SQLite store: the file is written beside the old one, checked, and then takes its place in one step."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mosafe.backup.errors import FILE_DAMAGED, IN_USE, STORE, BackupError
from servicekit.private_files import make_private_folder
from servicekit.sqlite_failures import explain, is_damage
from servicekit.sqlite_page_check import check_pages

if TYPE_CHECKING:
    from pathlib import Path

    from mosafe.backup.backup_files import BackupReader
    from mosafe.backup.manifest import StoreBackup


@dataclass(frozen=True, slots=True)
class SqliteTarget:
    """A file that is restored."""

    path: Path

    def is_empty(self) -> bool:
        return not self.path.exists() or self.path.stat().st_size == 0

    def restore(self, store: StoreBackup, reader: BackupReader) -> None:
        """Replace the file.

        Raises:
            BackupError: the file cannot be written, a process is writing to it, or the backup is damaged.
        """
        draft = self.path.with_name(f".{self.path.name}.restoring")
        try:
            make_private_folder(self.path.parent)
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                reader.read(store.files[0], file.write)
                file.flush()
                os.fsync(file.fileno())
            _check(draft)
            self._put_aside_the_log()
            draft.replace(self.path)
        except OSError as error:
            raise BackupError(STORE, f"{self.path}: {error.strerror or error}") from error
        finally:
            draft.unlink(missing_ok=True)

    def _put_aside_the_log(self) -> None:
        """Empty and delete the write-ahead log of the old file. SQLite would apply it to the new file."""
        if not self.is_empty():
            try:
                with closing(sqlite3.connect(self.path, timeout=0, isolation_level=None)) as connection:
                    # With an exclusive lock, no other process has the file open.
                    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                    connection.execute("PRAGMA journal_mode = DELETE")
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise BackupError(IN_USE, f"{explain(self.path, error)}; stop all services first") from error
        for ending in ("-wal", "-shm", "-journal"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)


def _check(path: Path) -> None:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        try:
            check_pages(connection)
        except sqlite3.DatabaseError as error:
            raise BackupError(FILE_DAMAGED, explain(path, error)) from error
