"""`RegistryStore`: a registry that can be written. `FolderStore` is one in a folder, `object_store` has one in S3."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from router.schema_check.registry.registry_files import Folder, RegistryFiles
from router.schema_check.registry.registry_version import LATEST, RegistryError, version_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

_LOCK: Final = ".lock"


class PublishedMeanwhile(Exception):
    """Somebody else has published since the newest version was read, so this publication must begin again."""


class RegistryStore(RegistryFiles, Protocol):
    """The files of a registry that can be written."""

    def publishing(self) -> AbstractContextManager[None]:
        """Return a context for one publication. If the store has a lock, other publications wait.

        Raises:
            RegistryError: The store cannot be written.
        """

    def has_version(self) -> bool:
        """Return whether anything was published.

        Raises:
            RegistryError: The store cannot be read.
        """

    def write(self, path: str, content: bytes) -> None:
        """Write a file. A file with the same content is not touched.

        Raises:
            RegistryError: The file cannot be written.
        """

    def make_newest(self, number: int, content: bytes) -> None:
        """Write the file of a version, and make this version the newest one, in one step.

        Raises:
            PublishedMeanwhile: The newest version is not the one that was read.
            RegistryError: The store cannot be written.
        """


class FolderStore(Folder):
    """A registry in a folder. A lock lets one publication run at a time."""

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """See `RegistryStore`."""
        with self._explained():
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / _LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield

    def has_version(self) -> bool:
        """See `RegistryStore`."""
        return (self.path / LATEST).exists()

    def write(self, path: str, content: bytes) -> None:
        """See `RegistryStore`."""
        with self._explained():
            _replace(self.path / path, content)

    def make_newest(self, number: int, content: bytes) -> None:
        """See `RegistryStore`. The lock of `publishing` is held, so nobody else has published."""
        self.write(version_path(number), content)
        self.write(LATEST, content)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RegistryError(f"{error.filename or self.label}: cannot be written: {error.strerror}") from error


def _replace(path: Path, content: bytes) -> None:
    """Replace a file in one step, and wait until it is on the disk."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = path.parent / file.name
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
