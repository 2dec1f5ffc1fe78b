"""A mailbox in the data directory, for installations without a mail server.

All mails of all users are in one Maildir, which mail programs such as mutt can open (`mutt -f .mosafe/mail`). A mail is
written in the folder `tmp`, and then appears complete in the folder `new`. Only the user of the process can read it.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from email import policy
from typing import TYPE_CHECKING, Final

from servicekit.private_files import make_private_folder
from subgraphs.auth.mail.mailer import MailerUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from subgraphs.auth.mail.mailer import Envelope

_FOLDERS: Final = ("tmp", "new", "cur")
_FILE_MODE: Final = 0o600
_POLICY: Final = policy.default.clone(utf8=True)


class MaildirMailer:
    """A `Mailer` that writes each mail to a file below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, envelope: Envelope) -> None:
        try:
            await asyncio.to_thread(self._write, envelope)
        except OSError as error:
            raise MailerUnavailable(f"cannot write to the mailbox {self._folder}: {error.strerror}") from error

    def _write(self, envelope: Envelope) -> None:
        """Write the mail. If it is written again after a crash, the mailbox still contains it once."""
        make_private_folder(self._folder)
        for name in _FOLDERS:
            make_private_folder(self._folder / name)
        draft, final = (self._folder / name / f"{envelope.id}.mosafe" for name in ("tmp", "new"))
        with suppress(FileNotFoundError):
            draft.unlink()  # a crash left it
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(envelope.message.as_bytes(policy=_POLICY))
            file.flush()
            os.fsync(descriptor)
        draft.replace(final)
        _sync_folder(final.parent)


def _sync_folder(folder: Path) -> None:
    """Return when the names of the files in `folder` are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
