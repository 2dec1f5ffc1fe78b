"""Secrets that the platform creates for itself, in files of the data directory."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Final

from servicekit.errors import StartupError
from servicekit.private_files import create_private_file, make_private_folder, read_private_file

if TYPE_CHECKING:
    from pathlib import Path

# A file with a shorter secret was truncated or written by hand.
_MIN_LENGTH: Final = 32


def read_or_create_secret(path: Path) -> str:
    """Return the secret in `path`. If the file is missing, create it with mode 0600 and 256 random bits.

    If several processes do this at the same time, exactly one of them creates the file.

    Raises:
        StartupError: the file cannot be read or created, is open to other users, or is too short.
    """
    try:
        make_private_folder(path.parent.parent)
        make_private_folder(path.parent)
        if not os.path.lexists(path):
            create_private_file(path, secrets.token_hex(32))
        secret = read_private_file(path).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(f"cannot read or create the secret file {path}: {error}") from error
    if len(secret) < _MIN_LENGTH:
        raise StartupError(f"the secret file {path} has fewer than {_MIN_LENGTH} characters")
    return secret
