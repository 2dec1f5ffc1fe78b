"""What happens before a mail with a link is sent: the link becomes valid.

If the process dies after this and before the mail is sent, the preparation runs again with the same token, and the link
is the same. If nobody should get the link any more, the mail is not sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgraphs.auth.mail.letters import Mail, MailKind
from subgraphs.auth.recovery.links import Link, Purpose
from subgraphs.auth.tokens import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from subgraphs.auth.domain import User
    from subgraphs.auth.mail.delivery import Preparation
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.auth.store.protocol import AuthStore
    from subgraphs.kit.store_factory import Clock


class LinkPreparations:
    """The preparations of all mails with links."""

    def __init__(self, store: AuthStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def by_kind(self) -> Mapping[MailKind, Preparation]:
        return {
            MailKind.PASSWORD_RESET: self.password_reset,
            MailKind.EMAIL_VERIFICATION: self.email_verification,
            MailKind.EMAIL_CHANGE: self.email_change,
        }

    async def password_reset(self, mail: Mail, queued: QueuedMail) -> Mail | None:
        """Prepare the mail to the user with the address. Somebody else may have asked for it.

        The mail goes to the address that is stored. The one that was sent may look different and belong to somebody
        else: the key of a user's address is the same for `K` and for the Kelvin sign.
        """
        known = await self._store.credentials(mail.recipient)
        if known is None or not await self._issue(Purpose.RESET_PASSWORD, known.user, mail, queued):
            return None
        return Mail(mail.kind, known.user.email, mail.facts)

    async def email_verification(self, mail: Mail, queued: QueuedMail) -> Mail | None:
        user = await self._user(mail)
        if user is None or user.email != mail.recipient or user.email_verified_at is not None:
            return None
        return mail if await self._issue(Purpose.VERIFY_EMAIL, user, mail, queued) else None

    async def email_change(self, mail: Mail, queued: QueuedMail) -> Mail | None:
        user = await self._user(mail)
        if user is None or user.email != mail.facts["email"]:
            return None
        issued = await self._issue(Purpose.CHANGE_EMAIL, user, mail, queued, new_email=mail.recipient)
        return mail if issued else None

    async def _user(self, mail: Mail) -> User | None:
        user_id = mail.facts["user_id"]
        return (await self._store.users([user_id])).get(user_id)

    async def _issue(
        self, purpose: Purpose, user: User, mail: Mail, queued: QueuedMail, new_email: str | None = None
    ) -> bool:
        link = Link(
            digest(mail.facts["token"]),
            purpose,
            user.id,
            user.email,
            queued.queued_at,
            queued.expires_at,
            new_email,
        )
        return await self._store.recovery.issue(link, self._clock())
