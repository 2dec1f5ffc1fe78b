"""Folders and files that only the user of the process can read.

Other users can never read a file or folder, not even for a moment: it is created with its final mode, whatever the
umask is. A file appears under its name only when it is complete. A file or folder that already exists is checked,
because a secret that others can read is not a secret.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

from servicekit.errors import StartupError

_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_OTHERS: Final = 0o077
# Docker mounts its secrets in this folder, where every user of the container can read them.
_CONTAINER_SECRETS: Final = Path("/run/secrets")


def make_private_folder(path: Path) -> None:
    """Create the folder `path` and each missing folder above it, all with mode 0700.

    If the folder exists and belongs to this user, its mode is changed so that other users cannot open it. But the
    working directory, the user's home directory and the folders above these two keep their mode, because they contain
    other files.

    Raises:
        OSError: a folder cannot be created, or is not a folder.
        StartupError: the folder belongs to another user.
    """
    for folder in reversed([path, *path.parents]):
        with suppress(FileExistsError):
            folder.mkdir(mode=_FOLDER_MODE)
            folder.chmod(_FOLDER_MODE)  # mkdir applies the umask, which may remove a permission of the owner
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = os.fstat(descriptor)
        if found.st_uid not in {os.geteuid(), 0}:
            raise StartupError(f"the folder {path} belongs to another user; mend it with: chown {os.geteuid()} {path}")
        is_shared = found.st_mode & stat.S_ISVTX or any(
            place.is_relative_to(path.resolve()) for place in (Path.cwd(), Path.home())
        )
        if found.st_uid == os.geteuid() and found.st_mode & _OTHERS and not is_shared:
            os.fchmod(descriptor, _FOLDER_MODE)
    finally:
        os.close(descriptor)


def create_private_file(path: Path, content: str) -> None:
    """Create the file `path` with mode 0600 and `content`. When this function returns, the file is on the disk.

    If several processes create the file at the same time, the content of exactly one is kept, and no process ever reads
    an incomplete file.

    Raises:
        OSError: the file cannot be created. It is not an error if the file already exists.
    """
    draft = _write_draft(path, content)
    try:
        with suppress(FileExistsError):
            path.hardlink_to(draft)  # atomic; it fails if another process has already created the file
    finally:
        draft.unlink()


def replace_private_file(path: Path, content: str, owner: tuple[int, int] | None = None) -> None:
    """Create the file `path`, or replace it, with mode 0600 and `content`.

    `owner` is the user and the group to whom the file is given, by number; None for those of this process.

    Whoever reads the file meanwhile gets either the old content or the new one. When this function returns, the new
    file is on the disk.

    Raises:
        OSError: the file cannot be written.
    """
    draft = _write_draft(path, content, owner)
    try:
        draft.replace(path)
    except OSError:
        draft.unlink()
        raise


def _write_draft(path: Path, content: str, owner: tuple[int, int] | None = None) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _FILE_MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            os.fchmod(descriptor, _FILE_MODE)
            if owner is not None:
                os.fchown(descriptor, *owner)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        draft.unlink()
        raise
    return draft


def read_private_file(path: Path) -> str:
    """Return the text of the file `path`. The file must belong to this user, and no other user may be able to open it.

    Raises:
        OSError, UnicodeDecodeError: the file cannot be read.
        StartupError: the file is a link, or belongs to another user, or other users can open it. The message contains
            the command that repairs it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise StartupError(f"the secret file {path} is a link; put the file itself there") from error
        raise
    with os.fdopen(descriptor, encoding="ascii") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise StartupError(f"the secret file {path} is not a file")
        if found.st_uid not in {os.geteuid(), 0}:
            raise StartupError(
                f"the secret file {path} belongs to another user; mend it with: chown {os.geteuid()} {path}"
            )
        _refuse_loose(path, found)
        return file.read()


def refuse_loose_secret(path: Path) -> None:
    """Check the mode of a file that an operator names, such as `AUTH_JWT_SECRET_FILE`.

    Files below /run/secrets (mounted by Docker) and on a read-only mount (by Kubernetes) are accepted whatever their
    mode is, because a container has no other users.

    Raises:
        OSError: the file does not exist.
        StartupError: other users can open the file. The message contains the command that repairs it.
    """
    found = path.stat()
    is_mounted = path.resolve().is_relative_to(_CONTAINER_SECRETS) or os.statvfs(path).f_flag & os.ST_RDONLY
    if found.st_uid == os.geteuid() and stat.S_ISREG(found.st_mode) and not is_mounted:
        _refuse_loose(path, found)


def _refuse_loose(path: Path, found: os.stat_result) -> None:
    if found.st_mode & _OTHERS:
        mode = stat.S_IMODE(found.st_mode)
        raise StartupError(f"the secret file {path} is open to other users (mode {mode:04o}): chmod 600 {path}")
