"""Writes and reads the files of a backup: compressed, encrypted, and with checksums of both forms, as streams."""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mosafe.backup.age_encryption import decrypt, encrypting
from mosafe.backup.errors import FILE_DAMAGED, STORE, BackupError
from mosafe.backup.manifest import FILE_NAME, StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyrage import x25519

    from mosafe.backup.age_encryption import Readable
    from mosafe.backup.destination import Destination

ENDING: Final = ".gz.age"
# The format of gzip, with the largest window (zlib).
_GZIP: Final = 16 + zlib.MAX_WBITS
# A higher level makes dumps of documents a few percent smaller, and takes several times longer.
_LEVEL: Final = 3
CHUNK: Final = 1 << 18


class _Counted:
    """Counts bytes and their SHA-256, and passes them on."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self.size += len(data)
        self._write(data)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


@dataclass(frozen=True, slots=True)
class BackupWriter:
    """Writes the files of one backup."""

    destination: Destination
    backup: str
    recipients: Sequence[x25519.Recipient]

    def write(self, name: str, dump: Callable[[Callable[[bytes], object]], int | None]) -> StoredFile:
        """Write one file.

        Args:
            name: what the file contains, such as `account/entries.bson`.
            dump: writes the plain bytes to the function that it gets, and returns the number of records.

        Raises:
            BackupError: the destination cannot be written, or the name cannot be the one of a file.
            Exception: what `dump` raises.
        """
        if re.fullmatch(FILE_NAME, name) is None:
            raise BackupError(STORE, f"{name!r}: a table or collection of this name cannot be a file of a backup")
        stored_as = name + ENDING
        compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)
        with self.destination.writing(self.backup, stored_as) as file:
            stored = _Counted(file.write)
            with encrypting(stored.write, self.recipients) as encrypt:
                plain = _Counted(lambda data: encrypt(compressor.compress(data)))
                records = dump(plain.write)
                encrypt(compressor.flush())
        return StoredFile(name, records, plain.size, plain.sha256, stored_as, stored.size, stored.sha256)


@dataclass(frozen=True, slots=True)
class BackupReader:
    """Reads the files of one backup."""

    destination: Destination
    backup: str
    identities: Sequence[x25519.Identity]

    def verify_stored(self, file: StoredFile) -> None:
        """Verify the stored form of a file, for which no key is needed.

        Raises:
            BackupError: the file is missing or damaged.
        """
        counted = _Counted(lambda _: None)
        with self.destination.reading(self.backup, file.stored_as) as source:
            while data := source.read(CHUNK):
                counted.write(data)
        self._compare(file, counted, file.stored_size, file.stored_sha256)

    def read(self, file: StoredFile, write: Callable[[bytes], object]) -> None:
        """Pass the plain bytes of a file to `write`, and verify both forms.

        The bytes may be wrong until this method returns. So a caller makes no use of them before.

        Raises:
            BackupError: the file is missing or damaged, or the key does not open it.
            Exception: what `write` raises.
        """
        plain = _Counted(write)
        decompressor = _Decompressor(file, plain)
        with self.destination.reading(self.backup, file.stored_as) as source:
            stored = _CountedSource(source)
            try:
                decrypt(stored, decompressor.write, self.identities)
            except BackupError as error:
                # A damaged header looks like one for another key.
                self._read_to_the_end(file, stored)
                raise BackupError(
                    error.code, f"{self.destination.label}: {self.backup}/{file.stored_as}: {_reason(error)}"
                ) from error
            self._read_to_the_end(file, stored)
        self._compare(file, plain, file.size, file.sha256)

    def _read_to_the_end(self, file: StoredFile, stored: _CountedSource) -> None:
        while stored.read(CHUNK):
            pass
        self._compare(file, stored.counted, file.stored_size, file.stored_sha256)

    def _compare(self, file: StoredFile, found: _Counted, size: int, sha256: str) -> None:
        place = f"{self.destination.label}: {self.backup}/{file.stored_as}"
        if found.size != size:
            raise BackupError(FILE_DAMAGED, f"{place}: has {found.size} bytes instead of {size}")
        if found.sha256 != sha256:
            raise BackupError(FILE_DAMAGED, f"{place}: has another SHA-256 than the manifest says")


class _CountedSource:
    def __init__(self, source: Readable) -> None:
        self._source = source
        self.counted = _Counted(lambda _: None)

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.counted.write(data)
        return data


class _Decompressor:
    """Decompresses, but never more than the manifest says, so that a forged file cannot fill memory or disk."""

    def __init__(self, file: StoredFile, target: _Counted) -> None:
        self._file = file
        self._target = target
        self._stream = zlib.decompressobj(wbits=_GZIP)

    def write(self, data: bytes) -> None:
        while data:
            try:
                plain = self._stream.decompress(data, CHUNK)
            except zlib.error as error:
                raise BackupError(FILE_DAMAGED, "the compressed content is damaged") from error
            data = self._stream.unconsumed_tail
            if self._target.size + len(plain) > self._file.size:
                raise BackupError(FILE_DAMAGED, "the content is longer than the manifest says")
            if plain:
                self._target.write(plain)


def _reason(error: BackupError) -> str:
    return str(error).partition(": ")[2]
