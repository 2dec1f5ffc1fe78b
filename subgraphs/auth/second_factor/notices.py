"""The mails that tell a user of a change of the second factors.

The store writes such a mail in the transaction of the change, so that no change goes unreported.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from subgraphs.auth.mail.letters import MailKind

if TYPE_CHECKING:
    from subgraphs.auth.domain import User
    from subgraphs.auth.mail.delivery import MailQueue
    from subgraphs.auth.mail.outbox import QueuedMail


class FactorChange(Enum):
    """What has changed. The values are sentences of the mail, at most 79 characters long."""

    APP_ADDED = "An authenticator app was added to your account as a second factor."
    APP_REMOVED = "The authenticator app of your account was removed."
    PASSKEY_ADDED = "A passkey was added to your account."
    PASSKEY_REMOVED = "A passkey of your account was removed."
    CODES_RENEWED = "Your account has new recovery codes. The old ones are no longer valid."
    CODE_USED = "A recovery code of your account was used."
    RESET = "The bank removed all second factors of your account, and ended its sessions."


def notice(mails: MailQueue, user: User, change: FactorChange) -> list[QueuedMail]:
    """Return the mail to `user`, for the store method that writes the change. Call `mails.wake` after it."""
    return mails.notice(MailKind.SECOND_FACTOR_CHANGED, user.email, change=change.value)
