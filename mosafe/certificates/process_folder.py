"""`ProcessFolder`: the certificate of a process, its key and the authorities, in a folder for its owner alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from servicekit.errors import StartupError
from servicekit.private_files import make_private_folder, replace_private_file

if TYPE_CHECKING:
    from pathlib import Path

    from mosafe.certificates.issuing import Issued
    from mosafe.secret_files import Owner


@dataclass(frozen=True, slots=True)
class ProcessFolder:
    """The folder of a process. All methods raise a `StartupError` if a file or folder cannot be written.

    Attributes:
        path: the folder.
        owner: who gets the folder and its files; None for this user.
    """

    path: Path
    owner: Owner | None = None

    def create(self) -> None:
        if self.owner is None:
            make_folder(self.path)
            return
        try:  # the folder may belong to its owner already
            self.path.mkdir(mode=0o700, exist_ok=True)
            os.chown(self.path, self.owner.user, self.owner.group)
            self.path.chmod(0o700)
        except OSError as error:
            raise _not_created(self.path, error) from error

    def write_bundle(self, bundle: str) -> None:
        """Write the trusted authorities. A file that is as it should be is not replaced: processes need not read it."""
        path = self.path / "ca.pem"
        if not path.exists() or path.read_text("ascii") != bundle:
            write_file(path, bundle, self.owner)

    def write_certificate(self, issued: Issued) -> None:
        # Between these two lines, the key and the certificate do not belong together. A process that reads them just
        # then goes on with its old ones, and reads them again before the next handshake.
        write_file(self.path / "key.pem", issued.key_pem, self.owner)
        write_file(self.path / "cert.pem", issued.certificate_pem, self.owner)


def make_folder(path: Path) -> None:
    """Create a folder that only this user can open.

    Raises:
        StartupError: the folder cannot be created.
    """
    try:
        make_private_folder(path)
    except OSError as error:
        raise _not_created(path, error) from error


def write_file(path: Path, content: str, owner: Owner | None = None) -> None:
    """Create or replace a file that only its owner can open.

    Raises:
        StartupError: the file cannot be written.
    """
    try:
        replace_private_file(path, content, None if owner is None else (owner.user, owner.group))
    except OSError as error:
        raise StartupError(f"cannot write {path}: {error.strerror}") from error


def _not_created(path: Path, error: OSError) -> StartupError:
    return StartupError(f"cannot create the folder {path}: {error.strerror}")
