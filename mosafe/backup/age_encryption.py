"""Encryption in the format age: streams of any length, in bounded memory.

A backup is encrypted for public keys (recipients), so the machine that makes backups cannot read them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pyrage
from pyrage import x25519

from mosafe.backup.byte_pipe import Aborted, BytePipe
from mosafe.backup.errors import FILE_DAMAGED, NOT_CONFIGURED, WRONG_KEY, BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mosafe.backup.settings import BackupSettings


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes; none at the end."""


def read_recipients(settings: BackupSettings) -> list[x25519.Recipient]:
    """Return the public keys in the file `BACKUP_RECIPIENTS`.

    Raises:
        BackupError: the file is not configured, cannot be read, or has a line that is no public key.
    """
    path = settings.recipients
    if path is None:
        raise BackupError(
            NOT_CONFIGURED,
            "BACKUP_RECIPIENTS names no file with public keys; `mosafe backup keygen FILE` makes a key pair",
        )
    try:
        lines = _lines(path.read_text(encoding="utf-8"))
        found = [x25519.Recipient.from_str(line) for line in lines]
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(NOT_CONFIGURED, f"BACKUP_RECIPIENTS: cannot read {path}: {error}") from error
    except pyrage.RecipientError as error:
        raise BackupError(
            NOT_CONFIGURED, f"BACKUP_RECIPIENTS: {path} has a line that is no public key (age1...)"
        ) from error
    if not found:
        raise BackupError(NOT_CONFIGURED, f"BACKUP_RECIPIENTS: {path} has no public key")
    return found


def read_identities(settings: BackupSettings) -> list[x25519.Identity]:
    """Return the private keys in `BACKUP_IDENTITY`; none if the variable is not set.

    Raises:
        BackupError: the value has a line that is no private key.
    """
    if settings.identity is None:
        return []
    try:
        return [x25519.Identity.from_str(line) for line in _lines(settings.identity.get_secret_value())]
    except pyrage.IdentityError:
        # The message of the library, and the error itself, could repeat the key.
        raise BackupError(
            NOT_CONFIGURED, "BACKUP_IDENTITY has a line that is no private key (AGE-SECRET-KEY-1...)"
        ) from None


def new_key_file() -> str:
    """Return the content of a file with a new private key, and its public key in a comment."""
    identity = x25519.Identity.generate()
    return f"# public key: {identity.to_public()}\n{identity}\n"


def public_keys_of(path: Path) -> str:
    """Return the public keys of a file with private keys, one a line."""
    return "".join(
        f"{x25519.Identity.from_str(line).to_public()}\n" for line in _lines(path.read_text(encoding="utf-8"))
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


class _Sink:
    """Passes bytes on, and remembers an error, which the library would replace by one of its own."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self.error: Exception | None = None

    def write(self, data: bytes) -> int:
        try:
            self._write(bytes(data))
        except Exception as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        """Do nothing: each chunk is passed on at once."""


@contextmanager
def encrypting(
    write: Callable[[bytes], object], recipients: Sequence[x25519.Recipient]
) -> Iterator[Callable[[bytes], object]]:
    """Provide a function that takes plain bytes. The encrypted bytes go to `write`, which a thread calls."""
    pipe = BytePipe()
    with ThreadPoolExecutor(1, "age") as pool:
        done = pool.submit(_encrypt, pipe, _Sink(write), recipients)
        try:
            yield pipe.write
        except Aborted:
            done.result()
            raise
        except BaseException:
            pipe.abort()
            raise
        pipe.finish()
        done.result()


def _encrypt(pipe: BytePipe, sink: _Sink, recipients: Sequence[x25519.Recipient]) -> None:
    target: Any = sink  # The stub asks for a class of the standard library; the library itself only calls methods.
    source: Any = pipe
    try:
        pyrage.encrypt_io(source, target, recipients)
    except Exception as error:  # noqa: BLE001 - raised again, as the error of the sink if there is one
        pipe.abort()
        raise sink.error or error from None


def decrypt(source: Readable, write: Callable[[bytes], object], identities: Sequence[x25519.Identity]) -> None:
    """Decrypt `source`. The plain bytes go to `write`; the last of them are verified before this function returns.

    Raises:
        BackupError: no key opens the source, or the source is cut off or was changed.
        Exception: what `write` or `source.read` has raised.
    """
    sink, reader = _Sink(write), _Source(source)
    target: Any = sink
    encrypted: Any = reader
    try:
        pyrage.decrypt_io(encrypted, target, identities)
    except Exception as error:
        if (own := sink.error or reader.error) is not None:
            raise own from None
        if isinstance(error, pyrage.DecryptError) and "No matching keys" in str(error):
            raise BackupError(
                WRONG_KEY, "no key of BACKUP_IDENTITY opens the file; the manifest names its public keys"
            ) from error
        if isinstance(error, pyrage.DecryptError | OSError):
            raise BackupError(FILE_DAMAGED, "the encrypted file was cut off or changed") from error
        raise


class _Source:
    """Reads bytes, and remembers an error, which the library would replace by one of its own."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.error: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return self._source.read(size)
        except Exception as error:
            self.error = error
            raise
