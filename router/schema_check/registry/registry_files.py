"""`RegistryFiles`: the files of a registry, wherever they are. `Folder` has them in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from router.schema_check.registry.registry_version import LATEST, MissingFile, RegistryError

if TYPE_CHECKING:
    from pathlib import Path

# Without this limit, an endless response would fill the memory. The introspection of subgraphs has the same limit.
MAX_BYTES: Final = 32 * 1024 * 1024

OBJECT_STORE: Final = "s3://"
"""The locations of registries in object stores begin with this text."""


class RegistryFiles(Protocol):
    """The files of a registry, wherever they are."""

    @property
    def label(self) -> str:
        """The registry, as messages name it."""

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            RegistryError: The file does not exist, or cannot be read.
        """


@dataclass(frozen=True, slots=True)
class Folder:
    """A registry in a folder."""

    label: str
    path: Path

    def read(self, path: str) -> bytes:
        """See `RegistryFiles`."""
        try:
            return (self.path / path).read_bytes()
        except FileNotFoundError as error:
            raise missing_file(self.label, path) from error
        except OSError as error:
            raise RegistryError(f"{self.label}/{path}: cannot be read: {error.strerror}") from error


def missing_file(label: str, path: str) -> MissingFile:
    """Return the error for a file that the registry does not have."""
    if path == LATEST:
        return MissingFile(
            f"{label}: is not a registry, or nothing is published there: it has no {LATEST}; see `router publish`"
        )
    return MissingFile(
        f"{label}/{path}: does not exist, but a version of the registry names it; restore it from a backup"
    )
