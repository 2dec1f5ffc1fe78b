"""Links in mails: what each allows, and when it is valid.

A link contains a token of 256 random bits. Only its digest is stored, and the token can be used once.

| purpose | valid for | becomes invalid before that |
|---|---|---|
| choose a new password | 30 minutes | when the password or the e-mail address changes |
| verify the address of the registration | 3 days | when the e-mail address changes |
| verify a new address, which then replaces the old one | 1 hour | when the password or the e-mail address changes |

Links of a user who is disabled are invalid.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from subgraphs.auth.domain import email_key

if TYPE_CHECKING:
    from datetime import datetime

    from subgraphs.auth.domain import User


class Purpose(StrEnum):
    """What a link is for. The values are part of stored rows."""

    RESET_PASSWORD = "reset-password"  # noqa: S105 - not a secret
    VERIFY_EMAIL = "verify-email"
    CHANGE_EMAIL = "change-email"


@dataclass(frozen=True, slots=True)
class Link:
    """A link that was sent to a user.

    Attributes:
        digest: the digest of the token (`subgraphs.auth.tokens.digest`).
        email: the address of the user when the link was requested.
        new_email: the address that replaces it; None unless the purpose is CHANGE_EMAIL.
        issued_at: the time of the request for the link.
        used_at: the time at which the link was used; None if it was not used yet.
    """

    digest: bytes
    purpose: Purpose
    user_id: str
    email: str
    issued_at: datetime
    expires_at: datetime
    new_email: str | None = None
    used_at: datetime | None = None

    def is_valid(self, user: User, now: datetime) -> bool:
        """Whether `user`, to whom the link belongs, may use it at `now`."""
        if self.used_at is not None or now >= self.expires_at or user.disabled_at is not None:
            return False
        if email_key(user.email) != email_key(self.email):
            return False
        # The same moment counts as before the change. Otherwise, a link that was requested just before it would stay
        # valid.
        is_older = user.password_changed_at is not None and self.issued_at <= user.password_changed_at
        return self.purpose is Purpose.VERIFY_EMAIL or not is_older
