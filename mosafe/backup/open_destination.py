"""Opens the place of backups: a folder or an object store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mosafe.backup.destination import OBJECT_STORE, FolderDestination
from mosafe.backup.errors import NOT_CONFIGURED, BackupError

if TYPE_CHECKING:
    from mosafe.backup.destination import Destination


def open_destination(place: str | None) -> Destination:
    """Open the folder or the object store at `place`.

    Raises:
        BackupError: no place is configured, or the object store cannot be used.
    """
    if not place:
        raise BackupError(NOT_CONFIGURED, "BACKUP_TO names no folder and no object store (s3://BUCKET/PREFIX)")
    if place.startswith(OBJECT_STORE):
        # boto3 takes a third of a second to import, and only a destination in an object store needs it.
        from mosafe.backup.s3_destination import S3Destination  # noqa: PLC0415 - see above

        return S3Destination(place)
    if "://" in place:
        raise BackupError(NOT_CONFIGURED, "BACKUP_TO is neither a folder nor of the form s3://BUCKET/PREFIX")
    return FolderDestination(Path(place))
