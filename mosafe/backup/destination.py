"""Where backups are: a protocol, and its implementation by a folder. `s3_destination` has the object store.

A backup becomes visible in one step, `publish`. In a folder, the files of an unfinished backup are in
`incomplete-<id>`, which is renamed. In an object store, the manifest is written last.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, Protocol

from mosafe.backup.errors import DESTINATION, FILE_MISSING, NOT_FOUND, BackupError
from mosafe.backup.manifest import MAX_BYTES
from servicekit.private_files import make_private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from mosafe.backup.age_encryption import Readable

MANIFEST_NAME: Final = "manifest.json"
LEASE_NAME: Final = "schedule.lease"
OBJECT_STORE: Final = "s3://"
BACKUP_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
_INCOMPLETE: Final = "incomplete-"


class Writable(Protocol):
    def write(self, data: bytes, /) -> object:
        """Write all of `data`."""


class Destination(Protocol):
    """A place of backups. All methods raise `BackupError` if the place cannot be read or written.

    Attributes:
        label: the place, for messages.
    """

    label: str

    def ids(self) -> list[str]:
        """Return the ids of the complete backups, the oldest first."""

    def incomplete(self, older_than_seconds: float) -> list[str]:
        """Return the ids of the backups without a manifest to which nothing was written for this time."""

    def manifest(self, backup: str) -> bytes:
        """Return the manifest of a complete backup."""

    def writing(self, backup: str, name: str) -> AbstractContextManager[Writable]:
        """Write a file of an unfinished backup. If the block raises, the file does not exist afterwards."""

    def reading(self, backup: str, name: str) -> AbstractContextManager[Readable]:
        """Read a file of a complete backup."""

    def publish(self, backup: str, manifest: bytes) -> None:
        """Make a backup complete."""

    def delete(self, backup: str) -> None:
        """Delete a backup, complete or not. Its manifest goes first, so that it is never listed with files missing."""

    def read_lease(self) -> tuple[bytes, str] | None:
        """Return the lease of the schedule and its version, or None if there is none."""

    def replace_lease(self, content: bytes, version: str | None) -> bool:
        """Write the lease if it still has `version` (None: if there is none). Return whether it was written."""


class FolderDestination:
    """Backups in a folder, which only this user can read."""

    def __init__(self, folder: Path) -> None:
        self.label = str(folder)
        self._folder = folder

    def ids(self) -> list[str]:
        with self._explained():
            if not self._folder.is_dir():
                return []
            found = [path.name for path in self._folder.iterdir() if (path / MANIFEST_NAME).is_file()]
        return sorted(name for name in found if BACKUP_ID.fullmatch(name))

    def incomplete(self, older_than_seconds: float) -> list[str]:
        with self._explained():
            if not self._folder.is_dir():
                return []
            drafts = [path for path in self._folder.iterdir() if path.name.startswith(_INCOMPLETE)]
            return sorted(
                path.name.removeprefix(_INCOMPLETE)
                for path in drafts
                if time.time() - _last_change(path) >= older_than_seconds
            )

    def manifest(self, backup: str) -> bytes:
        path = self._folder / backup / MANIFEST_NAME
        with self._explained():
            try:
                with path.open("rb") as file:
                    return file.read(MAX_BYTES)
            except FileNotFoundError:
                raise BackupError(NOT_FOUND, f"{self.label} has no backup {backup}") from None

    @contextmanager
    def writing(self, backup: str, name: str) -> Iterator[Writable]:
        path = self._draft(backup) / name
        with self._explained():
            make_private_folder(path.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield _Explained(file, self.label)
                with self._explained():
                    file.flush()
                    os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    @contextmanager
    def reading(self, backup: str, name: str) -> Iterator[Readable]:
        try:
            with self._explained():
                file = (self._folder / backup / name).open("rb")
        except _Missing:
            raise BackupError(FILE_MISSING, f"{self.label}: backup {backup} has no file {name}") from None
        with file:
            yield file

    def publish(self, backup: str, manifest: bytes) -> None:
        with self.writing(backup, MANIFEST_NAME) as file:
            file.write(manifest)
        with self._explained():
            for folder in (*(path for path in self._draft(backup).rglob("*") if path.is_dir()), self._draft(backup)):
                _sync_folder(folder)
            self._draft(backup).rename(self._folder / backup)
            _sync_folder(self._folder)

    def delete(self, backup: str) -> None:
        with self._explained():
            if (self._folder / backup).is_dir():
                (self._folder / backup).rename(self._draft(backup))
            if self._draft(backup).is_dir():
                shutil.rmtree(self._draft(backup))

    def read_lease(self) -> tuple[bytes, str] | None:
        with self._explained():
            try:
                content = (self._folder / LEASE_NAME).read_bytes()
            except FileNotFoundError:
                return None
        return content, content.hex()

    def replace_lease(self, content: bytes, version: str | None) -> bool:
        with self._explained():
            make_private_folder(self._folder)
            with (self._folder / f".{LEASE_NAME}.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                present = self.read_lease()
                if (None if present is None else present[1]) != version:
                    return False
                draft = self._folder / f".{LEASE_NAME}.new"
                draft.write_bytes(content)
                draft.replace(self._folder / LEASE_NAME)
        return True

    def _draft(self, backup: str) -> Path:
        return self._folder / f"{_INCOMPLETE}{backup}"

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise _Missing(DESTINATION, f"{self.label}: {error.strerror}") from error
        except OSError as error:
            raise BackupError(DESTINATION, f"{self.label}: {error.strerror or error}") from error


class _Missing(BackupError):
    """A file of the destination does not exist."""


class _Explained:
    """A file whose failures name the destination."""

    def __init__(self, file: IO[bytes], label: str) -> None:
        self._file = file
        self._label = label

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            raise BackupError(DESTINATION, f"{self._label}: {error.strerror or error}") from error


def _last_change(folder: Path) -> float:
    return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
