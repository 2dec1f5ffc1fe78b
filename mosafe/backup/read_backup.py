"""Finds, lists and verifies backups, and deletes those that are no longer kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mosafe.backup.backup_files import BackupReader
from mosafe.backup.errors import MANIFEST, NOT_FOUND, BackupError
from mosafe.backup.manifest import Manifest, from_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyrage import x25519

    from mosafe.backup.destination import Destination
    from mosafe.backup.retention import Retention

NEWEST: Final = "newest"
# An unfinished backup to which nothing was written for this long was cut off.
_ABANDONED_SECONDS: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Listed:
    """A complete backup. `problem` says why its manifest cannot be used."""

    id: str
    manifest: Manifest | None
    problem: str | None = None


def read_manifest(destination: Destination, backup: str, signing_key: bytes | None) -> Manifest:
    """Return the verified manifest of a backup.

    Args:
        destination: where the backup is.
        backup: the id of the backup, or `newest`.
        signing_key: the key with which the manifest must be signed, if there is one.

    Raises:
        BackupError: there is no such backup, or its manifest is damaged.
    """
    ids = destination.ids()
    if backup == NEWEST:
        if not ids:
            raise BackupError(NOT_FOUND, f"{destination.label} has no complete backup")
        backup = ids[-1]
    elif backup not in ids:
        raise BackupError(NOT_FOUND, f"{destination.label} has no complete backup {backup}")
    return _read(destination, backup, signing_key)


def _read(destination: Destination, backup: str, signing_key: bytes | None) -> Manifest:
    place = f"{destination.label}: backup {backup}"
    found = from_bytes(place, destination.manifest(backup), signing_key)
    if found.id != backup:
        raise BackupError(MANIFEST, f"{place}: the manifest is the one of backup {found.id}")
    return found


def list_backups(destination: Destination, signing_key: bytes | None) -> list[Listed]:
    """Return the complete backups, the oldest first. A damaged manifest is listed with its problem."""
    found = []
    for backup in destination.ids():
        try:
            found.append(Listed(backup, _read(destination, backup, signing_key)))
        except BackupError as error:
            found.append(Listed(backup, None, str(error)))
    return found


def verify(destination: Destination, manifest: Manifest, identities: Sequence[x25519.Identity]) -> None:
    """Read all files of a backup, and compare sizes and checksums. With a key, the content is decrypted and verified.

    Raises:
        BackupError: a file is missing or damaged, or no key opens it.
    """
    reader = BackupReader(destination, manifest.id, identities)
    for file in manifest.files:
        if identities:
            reader.read(file, lambda _: None)
        else:
            reader.verify_stored(file)


def prune(
    destination: Destination, retention: Retention, signing_key: bytes | None, *, dry_run: bool = False
) -> list[str]:
    """Delete the backups that are not kept, and unfinished ones that were cut off. Return their ids.

    A backup with a damaged manifest is neither counted nor deleted: a person should look at it.
    """
    usable = {
        each.id: each.manifest.started for each in list_backups(destination, signing_key) if each.manifest is not None
    }
    kept = retention.kept(usable)
    deleted = sorted({*usable} - kept) + destination.incomplete(_ABANDONED_SECONDS)
    if not dry_run:
        for backup in deleted:
            destination.delete(backup)
    return deleted
