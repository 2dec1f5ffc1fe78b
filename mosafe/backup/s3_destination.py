"""Backups in an object store with the API of S3: `s3://BUCKET/PREFIX`.

Credentials, region and endpoint come from where all tools of AWS look for them: variables such as `AWS_ENDPOINT_URL`,
the files in `~/.aws`, or the role of the machine.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mosafe.backup.destination import BACKUP_ID, LEASE_NAME, MANIFEST_NAME, OBJECT_STORE
from mosafe.backup.errors import DESTINATION, FILE_MISSING, NOT_CONFIGURED, NOT_FOUND, BackupError
from mosafe.backup.manifest import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

    from mosafe.backup.age_encryption import Readable
    from mosafe.backup.destination import Writable

# A part of an upload. An object may have 10,000 parts, so a file of a backup may have 156 GB.
PART_BYTES: Final = 16 << 20
_SECONDS: Final = 30.0
_ATTEMPTS: Final = 5
_MISSING: Final = frozenset(("NoSuchKey", "404"))
_CHANGED: Final = frozenset(("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"))
_DELETED_AT_ONCE: Final = 1_000


class S3Destination:
    """The `Destination` in a bucket."""

    def __init__(self, place: str) -> None:
        self.label = place.rstrip("/")
        self._bucket, _, prefix = place.removeprefix(OBJECT_STORE).partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        if not self._bucket:
            raise BackupError(NOT_CONFIGURED, f"{place} has no bucket; write s3://BUCKET or s3://BUCKET/PREFIX")
        config = Config(
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            retries={"mode": "standard", "max_attempts": _ATTEMPTS},
        )
        with self._explained():
            self._client: S3Client = boto3.Session().client("s3", config=config)

    def ids(self) -> list[str]:
        return sorted(backup for backup, (is_complete, _) in self._backups().items() if is_complete)

    def incomplete(self, older_than_seconds: float) -> list[str]:
        end = datetime.now(UTC) - timedelta(seconds=older_than_seconds)
        return sorted(
            backup for backup, (is_complete, last) in self._backups().items() if not is_complete and last <= end
        )

    def _backups(self) -> dict[str, tuple[bool, datetime]]:
        """Return each backup with whether it has a manifest, and when its last object was written."""
        found: dict[str, tuple[bool, datetime]] = {}
        for name, written in self._objects(""):
            backup, _, file = name.partition("/")
            if BACKUP_ID.fullmatch(backup):
                was_complete, last = found.get(backup, (False, written))
                found[backup] = (was_complete or file == MANIFEST_NAME, max(last, written))
        return found

    def manifest(self, backup: str) -> bytes:
        try:
            with self.reading(backup, MANIFEST_NAME) as file:
                return file.read(MAX_BYTES)
        except BackupError as error:
            if error.code != FILE_MISSING:
                raise
            raise BackupError(NOT_FOUND, f"{self.label} has no backup {backup}") from None

    @contextmanager
    def writing(self, backup: str, name: str) -> Iterator[Writable]:
        upload = _Upload(self, f"{self._prefix}{backup}/{name}")
        try:
            yield upload
            upload.complete()
        except BaseException:
            upload.abort()
            raise

    @contextmanager
    def reading(self, backup: str, name: str) -> Iterator[Readable]:
        with self._explained(f"{self.label}: backup {backup} has no file {name}"):
            found = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{backup}/{name}")
        with found["Body"] as body:
            yield _Download(self, body)

    def publish(self, backup: str, manifest: bytes) -> None:
        with self._explained():
            self._client.put_object(Bucket=self._bucket, Key=f"{self._prefix}{backup}/{MANIFEST_NAME}", Body=manifest)

    def delete(self, backup: str) -> None:
        names = [name for name, _ in self._objects(f"{backup}/")]
        with self._explained():
            self._client.delete_object(Bucket=self._bucket, Key=f"{self._prefix}{backup}/{MANIFEST_NAME}")
            for start in range(0, len(names), _DELETED_AT_ONCE):
                keys: Any = [{"Key": self._prefix + name} for name in names[start : start + _DELETED_AT_ONCE]]
                self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})

    def read_lease(self) -> tuple[bytes, str] | None:
        with self._explained():
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + LEASE_NAME)
            except ClientError as error:
                if error.response["Error"]["Code"] in _MISSING:
                    return None
                raise
            with found["Body"] as body:
                return body.read(MAX_BYTES), found["ETag"]

    def replace_lease(self, content: bytes, version: str | None) -> bool:
        condition: Any = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        with self._explained():
            try:
                self._client.put_object(Bucket=self._bucket, Key=self._prefix + LEASE_NAME, Body=content, **condition)
            except ClientError as error:
                if error.response["Error"]["Code"] in _CHANGED:
                    return False
                raise
        return True

    def _objects(self, below: str) -> Iterator[tuple[str, datetime]]:
        with self._explained():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + below
            )
            for page in pages:
                for found in page.get("Contents", ()):
                    yield found["Key"].removeprefix(self._prefix), found["LastModified"]

    @contextmanager
    def _explained(self, missing: str | None = None) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
            if code in _MISSING and missing is not None:
                raise BackupError(FILE_MISSING, missing) from error
            raise BackupError(DESTINATION, f"{self.label}: refused: {code}: {message}") from error
        except (BotoCoreError, ValueError) as error:
            raise BackupError(
                DESTINATION, f"{self.label}: {error}; see AWS_ENDPOINT_URL, AWS_REGION and the credentials"
            ) from error


class _Upload:
    """An object that is written in parts, so that only one part is in memory."""

    def __init__(self, destination: S3Destination, key: str) -> None:
        self._destination = destination
        self._object: Any = {"Bucket": destination._bucket, "Key": key}  # noqa: SLF001 - one module, one class
        self._client = destination._client  # noqa: SLF001
        self._buffer = bytearray()
        self._parts: list[CompletedPartTypeDef] = []
        self._upload: str | None = None

    def write(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= PART_BYTES:
            self._send(bytes(self._buffer[:PART_BYTES]))
            del self._buffer[:PART_BYTES]

    def complete(self) -> None:
        with self._destination._explained():  # noqa: SLF001
            if self._upload is None:
                self._client.put_object(**self._object, Body=bytes(self._buffer))
                return
        if self._buffer:
            self._send(bytes(self._buffer))
        with self._destination._explained():  # noqa: SLF001
            self._client.complete_multipart_upload(
                **self._object, UploadId=self._upload, MultipartUpload={"Parts": self._parts}
            )

    def abort(self) -> None:
        if self._upload is not None:
            with self._destination._explained():  # noqa: SLF001
                self._client.abort_multipart_upload(**self._object, UploadId=self._upload)

    def _send(self, part: bytes) -> None:
        with self._destination._explained():  # noqa: SLF001
            if self._upload is None:
                self._upload = self._client.create_multipart_upload(**self._object)["UploadId"]
            number = len(self._parts) + 1
            sent = self._client.upload_part(**self._object, UploadId=self._upload, PartNumber=number, Body=part)
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})


class _Download:
    """An object that is read. A connection that breaks is reported as a failure of the destination."""

    def __init__(self, destination: S3Destination, body: Any) -> None:
        self._destination = destination
        self._body = body

    def read(self, size: int = -1) -> bytes:
        with self._destination._explained():  # noqa: SLF001
            data: bytes = self._body.read(None if size < 0 else size)
        return data
