"""The store of links, and of the changes that they allow.

Each method reads and writes in one database transaction. A change of a password or an address writes the mail that
reports it in the same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from subgraphs.auth.domain import User
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.auth.recovery.links import Link, Purpose


class UserLink(NamedTuple):
    """A valid link and its user."""

    link: Link
    user: User


class RecoveryStore(Protocol):
    """Links of all users; `tests/subgraphs/auth/recovery/store_contract.py` tests every implementation.

    Every method raises Unavailable when the store does not respond. A method that takes the digest of a link does
    nothing, and returns None, if the link is unknown, not valid at `now`, or for another purpose.
    """

    async def issue(self, link: Link, now: datetime) -> bool:
        """Store a link if it is valid for its user at `now`. Delete links that have expired a day ago.

        Returns:
            Whether the link is stored and valid. A link that is already stored is not stored again.
        """

    async def find(self, digest: bytes, purposes: Collection[Purpose], now: datetime) -> UserLink | None:
        """Return a valid link and its user."""

    async def reset_password(
        self, digest: bytes, password_hash: str, now: datetime, mails: Sequence[QueuedMail]
    ) -> User | None:
        """Use a link for a new password: replace the hash, and end all sessions of the user.

        The link came by mail, so the address of the user is verified, too.
        """

    async def change_password(self, change: PasswordChange, now: datetime, mails: Sequence[QueuedMail]) -> bool:
        """Replace the hash of a password. End the other sessions of the user, if wanted.

        Returns:
            False if the hash is no longer the expected one, because somebody else has changed the password. Then
            nothing happens.
        """

    async def verify_email(self, digest: bytes, now: datetime) -> User | None:
        """Use a link that verifies the address of its user. Return the changed user."""

    async def change_email(self, digest: bytes, now: datetime, mails: Sequence[QueuedMail]) -> User | None:
        """Use a link that gives its user a new address, which is then verified. Return the changed user.

        Raises:
            EmailExists: another user has the new address.
        """


class PasswordChange(NamedTuple):
    """A new password of a user.

    Attributes:
        expected_hash: the hash with which the current password was compared.
        kept_session: all sessions of the user but this one end. If it is None, no session ends.
    """

    user_id: str
    expected_hash: str
    password_hash: str
    kept_session: str | None
