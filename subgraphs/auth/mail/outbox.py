"""The outbox: mails that are stored until they are sent.

A mail is stored in the same database transaction as the change that it reports, so neither exists without the other.
Whoever sends a mail first *claims* it for some time. If the process crashes, the claim ends, and the mail is sent
again. So each mail is sent at least once:

```
queued ──claim──> claimed ──sent or refused──> removed
  ^                  │
  └──not sent, or the claim has ended
```

A stored mail contains an e-mail address, and often a secret link. So its content is encrypted
(`subgraphs.auth.sealing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

# The purpose of the key that encrypts mails (`subgraphs.auth.sealing`).
SEALED_FOR: Final = "queued mails"


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """A stored mail.

    Attributes:
        id: a random identifier. It is also part of the `Message-ID`, so a mail that is sent twice can be recognised.
        sealed: the encrypted content.
        queued_at: the time of the event that the mail reports.
        expires_at: from this time on, the mail is of no use and is not sent any more.
    """

    id: str
    sealed: bytes
    queued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ClaimedMail:
    """A mail that this process may send. `attempts` counts this attempt, too."""

    mail: QueuedMail
    attempts: int


class MailOutbox(Protocol):
    """The stored mails; `tests/subgraphs/auth/mail/outbox_contract.py` tests every implementation.

    Every method raises Unavailable when the store does not respond.
    """

    async def add(self, mails: Sequence[QueuedMail]) -> None:
        """Store mails, which are due at once."""

    async def claim(self, now: datetime, until: datetime, limit: int) -> list[ClaimedMail]:
        """Claim up to `limit` mails that are due at `now`, for the time until `until`. No other process gets them."""

    async def postpone(self, mail_id: str, due_at: datetime) -> None:
        """End the claim of a mail, which is due again at `due_at`."""

    async def remove(self, mail_id: str) -> None:
        """Remove a mail. If there is no such mail, nothing happens."""
