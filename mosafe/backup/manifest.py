"""The manifest of a backup: what is in it, from which point in time, and how each file is verified.

The manifest is JSON. Its `checksum` is the SHA-256 of the canonical JSON of everything else, or its HMAC-SHA-256 if
there is a key (`BACKUP_MANIFEST_KEY`). The manifest contains no data of customers and no secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from bank.values import parse_timestamp
from mosafe.backup.errors import MANIFEST, NEWER_RELEASE, BackupError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FORMAT: Final = 1
# The name of the part with the offsets of consumer groups.
KAFKA: Final = "kafka"
# A manifest has about 400 bytes for each file; a backup has about 50 files.
MAX_BYTES: Final = 4 << 20


# A name cannot lead out of the folder of the backup.
FILE_NAME: Final = r"^[a-z]+/[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"
FileName: TypeAlias = Annotated[str, Field(pattern=FILE_NAME)]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a backup.

    Attributes:
        name: what the file contains, such as `transaction/orders.bson`.
        records: the number of rows or documents; None for an SQLite file or an archive of pg_dump.
        size: the number of plain bytes.
        sha256: of the plain bytes.
        stored_as: the name in the destination, with the endings of compression and encryption.
        stored_size: the number of stored bytes.
        stored_sha256: of the stored bytes, so that a file can be verified without the private key.
    """

    name: FileName
    records: int | None
    size: int
    sha256: str
    stored_as: FileName
    stored_size: int
    stored_sha256: str


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What a backup promises about one store.

    Attributes:
        name: `transaction`, `account`, `auth`, `kafka` or `secrets`.
        kind: `sqlite`, `postgresql`, `mongodb`, `kafka` or `files`.
        server: the server and its version.
        method: how the store was read.
        point_in_time: the state of the store in the backup is the one of this moment, by the clock of the store.
        cluster_time: the cluster time of MongoDB in seconds and increment, such as `1764460800.3`.
        migration: the number of the last migration; None if the store has none.
        store_id: the id of the store (bank §4.8).
        changes: the number of changes of the store (bank §4.8).
    """

    name: str
    kind: str
    server: str
    method: str
    point_in_time: str
    cluster_time: str | None = None
    migration: int | None = None
    store_id: str | None = None
    changes: int | None = None


@dataclass(frozen=True, slots=True)
class StoreBackup:
    """One store in a backup, with its files."""

    facts: StoreFacts
    files: tuple[StoredFile, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a manifest.

    Attributes:
        format: the number of the format of the backup.
        id: the id of the backup, which begins with the time of its start.
        product: the release that has made the backup.
        started_at: when the backup began.
        finished_at: when its last file was written.
        pairing: how orders and ledger belong together; see `mosafe.backup.create`.
        recipients: the public keys for which the files are encrypted.
        stores: the stores, in the order in which they were read.
    """

    format: int
    id: str
    product: str
    started_at: str
    finished_at: str
    pairing: str
    recipients: tuple[str, ...]
    stores: tuple[StoreBackup, ...]

    @property
    def started(self) -> datetime:
        return parse_timestamp(self.started_at)

    @property
    def files(self) -> tuple[StoredFile, ...]:
        return tuple(file for store in self.stores for file in store.files)

    @property
    def stored_size(self) -> int:
        return sum(file.stored_size for file in self.files)

    def store(self, name: str) -> StoreBackup | None:
        return next((store for store in self.stores if store.facts.name == name), None)


_ADAPTER: Final = TypeAdapter(Manifest)


def to_bytes(manifest: Manifest, key: bytes | None) -> bytes:
    """Return the file of the manifest, signed with `key` if there is one."""
    content = asdict(manifest)
    return json.dumps({**content, "checksum": _checksum(content, key)}, indent=1).encode() + b"\n"


def from_bytes(place: str, data: bytes, key: bytes | None) -> Manifest:
    """Read and verify the file of a manifest.

    Args:
        place: where the manifest is, for messages.
        data: the content of the file.
        key: if there is a key, the manifest must be signed with it.

    Raises:
        BackupError: the manifest is cut off, was changed, is not signed, or is of a newer format.
    """
    try:
        content: Any = json.loads(data)
        checksum = content.pop("checksum")
        number = content["format"]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise BackupError(MANIFEST, f"{place}: the manifest is cut off or is not JSON") from error
    if isinstance(number, int) and number > FORMAT:
        raise BackupError(NEWER_RELEASE, f"{place}: the backup has format {number}; this release reads {FORMAT}")
    if not isinstance(checksum, str) or not hmac.compare_digest(checksum, _checksum(content, key)):
        raise BackupError(MANIFEST, f"{place}: {_why_refused(checksum, key)}")
    try:
        return _ADAPTER.validate_python(content)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BackupError(MANIFEST, f"{place}: the manifest has no valid value at {where}") from error


def _checksum(content: Mapping[str, object], key: bytes | None) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    if key is None:
        return f"sha256:{hashlib.sha256(canonical).hexdigest()}"
    return f"hmac-sha256:{hmac.new(key, canonical, hashlib.sha256).hexdigest()}"


def _why_refused(checksum: object, key: bytes | None) -> str:
    if key is not None:
        return "the manifest was changed, or is not signed with BACKUP_MANIFEST_KEY"
    if str(checksum).startswith("hmac-"):
        return "the manifest is signed; verify it with BACKUP_MANIFEST_KEY"
    return "the manifest was changed: it has another checksum"
