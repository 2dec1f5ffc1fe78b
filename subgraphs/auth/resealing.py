"""Replaces `AUTH_JWT_SECRET`: encrypts everything in the store again, with the new secret.

The store does this in one database transaction, so that after a crash either all or none of it has the new secret. A
secret that is already encrypted with the new one stays as it is, so the command may be repeated.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bank.secret_file import read_or_create_secret
from servicekit.errors import ConfigurationError, StartupError
from subgraphs.auth.sealing import Sealer
from subgraphs.auth.signing_keys import KeyVault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from subgraphs.auth.signing_keys import SigningKey

# The new secret is in this file until everything is encrypted with it.
_NEXT_SUFFIX: Final = ".new"


@dataclass(frozen=True, slots=True)
class Resealing:
    """Encrypts with the secret `new` what is encrypted with the secret `old`."""

    old: str
    new: str

    def signing_key(self, key: SigningKey) -> SigningKey:
        """Return `key`, encrypted with the new secret.

        Raises:
            ConfigurationError: the key is encrypted with neither of the two secrets.
        """
        new = KeyVault(self.new)
        try:
            new.open(key)
        except ConfigurationError:
            return new.reseal(key, KeyVault(self.old))
        return key

    def text(self, sealed: bytes, purpose: str, bound_to: bytes) -> bytes:
        """Return a text of a `Sealer` for `purpose`, encrypted with the new secret.

        Raises:
            ConfigurationError: as `signing_key`.
        """
        new = Sealer(self.new, purpose)
        try:
            new.open(sealed, bound_to=bound_to)
        except ConfigurationError:
            return new.seal(Sealer(self.old, purpose).open(sealed, bound_to=bound_to), bound_to=bound_to)
        return sealed


async def replace_secret_file(path: Path, reseal: Callable[[Resealing], Awaitable[int]]) -> int:
    """Put a new random secret into the file `path`, and return the number of secrets that `reseal` has encrypted.

    The new secret is written to a second file first. If the process dies after `reseal`, that file is still there, and
    the next call finishes the work.

    Raises:
        ConfigurationError: a stored secret is encrypted with neither the old nor the new secret.
        StartupError: a file cannot be read, written or replaced.
    """
    following = path.with_name(path.name + _NEXT_SUFFIX)
    resealed = await reseal(Resealing(read_or_create_secret(path), read_or_create_secret(following)))
    try:
        following.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StartupError(f"cannot replace the secret file {path}: {error}; repeat the command") from error
    return resealed
