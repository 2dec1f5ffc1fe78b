"""The errors of backups. Each has a stable code, which begins the message.

```
StartupError
└── BackupError           the code is one of `CODES`
```
"""

from __future__ import annotations

from typing import Final

from servicekit.errors import StartupError

NOT_CONFIGURED: Final = "BACKUP_NOT_CONFIGURED"
NOT_FOUND: Final = "BACKUP_NOT_FOUND"
DESTINATION: Final = "BACKUP_DESTINATION_UNAVAILABLE"
STORE: Final = "BACKUP_STORE_UNAVAILABLE"
MANIFEST: Final = "BACKUP_MANIFEST_DAMAGED"
FILE_MISSING: Final = "BACKUP_FILE_MISSING"
FILE_DAMAGED: Final = "BACKUP_FILE_DAMAGED"
WRONG_KEY: Final = "BACKUP_WRONG_KEY"
WRONG_STORE: Final = "BACKUP_WRONG_STORE"
NEWER_RELEASE: Final = "BACKUP_OF_NEWER_RELEASE"
NOT_EMPTY: Final = "BACKUP_STORE_NOT_EMPTY"
IN_USE: Final = "BACKUP_STORE_IN_USE"
SNAPSHOT_TOO_OLD: Final = "BACKUP_SNAPSHOT_TOO_OLD"
RESTORED_DIFFERENTLY: Final = "BACKUP_RESTORED_DIFFERENTLY"
LEASE_LOST: Final = "BACKUP_LEASE_LOST"

# Maps each code to its meaning. The table of docs/deploy/backups.md has the same; a test compares them.
CODES: Final = {
    NOT_CONFIGURED: "a variable that the command needs is not set or has a wrong value",
    NOT_FOUND: "the destination has no complete backup with this id",
    DESTINATION: "the folder or the object store cannot be read or written",
    STORE: "a store or Kafka cannot be read or written",
    MANIFEST: "the manifest is cut off, changed, or not signed with BACKUP_MANIFEST_KEY",
    FILE_MISSING: "a file that the manifest lists is missing",
    FILE_DAMAGED: "a file has another size or checksum than the manifest says",
    WRONG_KEY: "BACKUP_IDENTITY does not open the files",
    WRONG_STORE: "the backup has another kind of store than this installation",
    NEWER_RELEASE: "a newer release of MoSafe has made the backup",
    NOT_EMPTY: "a store has data, and --replace was not given",
    IN_USE: "a service uses a store that would be replaced",
    SNAPSHOT_TOO_OLD: "MongoDB no longer has the point in time of the backup",
    RESTORED_DIFFERENTLY: "a restored store differs from the manifest",
    LEASE_LOST: "another process has taken over the schedule during the backup",
}


class BackupError(StartupError):
    """A backup cannot be made, read or restored. The message begins with `code`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
