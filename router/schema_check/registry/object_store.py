"""A registry in an object store with the API of S3: `s3://BUCKET/PREFIX`.

Credentials, region and endpoint come from where all tools of AWS look for them: variables such as `AWS_ENDPOINT_URL`,
the files in `~/.aws`, or the role of the machine.

A publication is atomic because `latest.json` is written with a condition: the object must still be the one that was
read. The file of the version follows. If a publication is interrupted in between, the next one writes this file.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from router.schema_check.registry.registry_files import MAX_BYTES, OBJECT_STORE, missing_file
from router.schema_check.registry.registry_store import PublishedMeanwhile
from router.schema_check.registry.registry_version import (
    LATEST,
    MissingFile,
    RegistryError,
    parse_version,
    version_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from types_boto3_s3 import S3Client

_MISSING: Final = frozenset(("NoSuchKey", "404"))
# The object is not the one that was read: it has changed, or is being changed at this moment.
_CHANGED: Final = frozenset(("PreconditionFailed", "ConditionalRequestConflict"))
_MAX_ATTEMPTS: Final = 3


class ObjectStore:
    """A registry in a bucket. It implements `RegistryStore`.

    Attributes:
        label: The registry, as messages name it.
    """

    def __init__(self, location: str, timeout_seconds: float) -> None:
        """Prepare to read and write.

        Raises:
            RegistryError: The location has no bucket, or the client cannot be configured.
        """
        self.label = location.rstrip("/")
        self._bucket, _, prefix = location.removeprefix(OBJECT_STORE).partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        if not self._bucket:
            raise RegistryError(f"{location}: has no bucket; write s3://BUCKET or s3://BUCKET/FOLDER")
        config = Config(
            connect_timeout=timeout_seconds,
            read_timeout=timeout_seconds,
            retries={"mode": "standard", "max_attempts": _MAX_ATTEMPTS},
        )
        with self._explained(self.label):
            self._client: S3Client = boto3.Session().client("s3", config=config)
        self._latest: tuple[str, bytes] | None = None

    def read(self, path: str) -> bytes:
        """See `RegistryFiles`."""
        with self._explained(path):
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + path)
            with found["Body"] as body:
                content = body.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise RegistryError(f"{self.label}/{path}: is longer than {MAX_BYTES} bytes")
        if path == LATEST:
            self._latest = found["ETag"], content
        return content

    def publishing(self) -> AbstractContextManager[None]:
        """See `RegistryStore`. There is no lock: `make_newest` finds out that somebody else has published."""
        self._latest = None
        return nullcontext()

    def has_version(self) -> bool:
        """See `RegistryStore`."""
        try:
            self.read(LATEST)
        except MissingFile:
            return False
        return True

    def write(self, path: str, content: bytes) -> None:
        """See `RegistryStore`. Files are named after their content, so an existing file has the same content."""
        with self._explained(path):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + path, Body=content)

    def make_newest(self, number: int, content: bytes) -> None:
        """See `RegistryStore`."""
        if self._latest is not None:
            # An earlier publication may have been interrupted before it wrote the file of its version.
            previous = parse_version(f"{self.label}/{LATEST}", self._latest[1])
            self.write(version_path(previous.version), self._latest[1])
        key = self._prefix + LATEST
        try:
            with self._explained(LATEST):
                if self._latest is None:
                    self._client.put_object(Bucket=self._bucket, Key=key, Body=content, IfNoneMatch="*")
                else:
                    self._client.put_object(Bucket=self._bucket, Key=key, Body=content, IfMatch=self._latest[0])
        except _Changed as error:
            raise PublishedMeanwhile from error
        self.write(version_path(number), content)

    @contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        place = f"{self.label}/{path}"
        try:
            yield
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
            if code in _MISSING:
                raise missing_file(self.label, path) from error
            if code in _CHANGED:
                raise _Changed(place) from error
            raise RegistryError(f"{place}: the object store refuses the request: {code}: {message}") from error
        except (BotoCoreError, ValueError) as error:
            raise RegistryError(
                f"{place}: the object store cannot be used: {error}; "
                "see AWS_ENDPOINT_URL, AWS_REGION and the credentials, or name a folder as the registry"
            ) from error


class _Changed(Exception):
    """The object does not fulfil the condition of a request."""
