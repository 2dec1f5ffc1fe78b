"""The secrets that the processes have generated in the data directory.

Without them, a restored store is of little use: `secrets/jwt.key` opens the signing keys, `secrets/ledger.key` verifies
the ledger. Secrets that come from variables are not in the data directory, and their owner must keep them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bank.values import format_timestamp, now
from mosafe.backup.errors import FILE_DAMAGED, NOT_EMPTY, STORE, BackupError
from mosafe.backup.manifest import StoreFacts
from mosafe.backup.store_snapshot import Part
from servicekit.private_files import make_private_folder, read_private_file, replace_private_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mosafe.backup.store_snapshot import Write

NAME: Final = "secrets"
FILE: Final = "secrets/secrets.json"
_FOLDER: Final = "secrets"
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class GeneratedSecrets:
    """The secrets by the names of their files."""

    secrets: Mapping[str, str]
    facts: StoreFacts

    @classmethod
    def read(cls, data_dir: Path) -> GeneratedSecrets:
        """Raises BackupError if a file cannot be read."""
        folder = data_dir / _FOLDER
        try:
            found = {
                path.name: read_private_file(path)
                for path in (sorted(folder.iterdir()) if folder.is_dir() else ())
                if _FILE_NAME.fullmatch(path.name) and path.is_file()
            }
        except (OSError, UnicodeDecodeError) as error:
            raise BackupError(STORE, f"cannot read the secrets in {folder}: {error}") from error
        return cls(found, StoreFacts(NAME, "files", "data directory", "copied", format_timestamp(now())))

    def parts(self) -> Iterator[Part]:
        if self.secrets:
            yield Part(FILE, self._dump)

    def _dump(self, write: Write) -> int:
        write(json.dumps(self.secrets, sort_keys=True).encode())
        return len(self.secrets)


def parse_secrets(content: bytes) -> dict[str, str]:
    """Raises BackupError if the content is not a mapping of file names to texts."""
    found = json.loads(content)
    if not isinstance(found, dict) or not all(
        _FILE_NAME.fullmatch(name) and isinstance(text, str) for name, text in found.items()
    ):
        raise BackupError(FILE_DAMAGED, f"{FILE} is not a mapping of file names to texts")
    return found


def refuse_other_secrets(data_dir: Path, secrets: Mapping[str, str]) -> None:
    """Refuse to replace secrets that differ, unless the operator wants to.

    Raises:
        BackupError: the data directory has another secret.
    """
    for name, text in secrets.items():
        path = data_dir / _FOLDER / name
        if path.exists() and path.read_text(encoding="ascii") != text:
            raise BackupError(NOT_EMPTY, f"{path} is another secret than the one of the backup; --replace replaces it")


def write_secrets(data_dir: Path, secrets: Mapping[str, str]) -> None:
    """Write the secrets, with mode 0600. Each file is replaced in one step."""
    folder = data_dir / _FOLDER
    make_private_folder(folder)
    for name, text in secrets.items():
        replace_private_file(folder / name, text)
