"""Opens the parts of the mail package, as the settings say, and delivers mails while a block runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from subgraphs.auth.mail.delivery import MailDelivery, MailQueue
from subgraphs.auth.mail.letters import Letters
from subgraphs.auth.mail.maildir import MaildirMailer
from subgraphs.auth.mail.outbox import SEALED_FOR
from subgraphs.auth.mail.smtp import SmtpMailer
from subgraphs.auth.sealing import Sealer
from subgraphs.kit.background import in_background

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from subgraphs.auth.mail.delivery import Preparation
    from subgraphs.auth.mail.letters import MailKind
    from subgraphs.auth.mail.mailer import Mailer
    from subgraphs.auth.mail.outbox import MailOutbox
    from subgraphs.auth.settings import AuthSettings
    from subgraphs.kit.store_factory import Clock

_log = structlog.stdlib.get_logger("mail")


def open_queue(settings: AuthSettings, outbox: MailOutbox, clock: Clock) -> MailQueue:
    return MailQueue(outbox, Sealer(settings.key_encryption_secret(), SEALED_FOR), clock)


def mailer_of(settings: AuthSettings) -> Mailer:
    """Return the mailer that the settings choose."""
    server = settings.mail_server
    if server is not None:
        return SmtpMailer(server)
    _log.info("mails are written to a folder, because AUTH_SMTP_URL is not set", folder=str(settings.mailbox))
    return MaildirMailer(settings.mailbox)


@asynccontextmanager
async def delivering(
    settings: AuthSettings, queue: MailQueue, preparations: Mapping[MailKind, Preparation]
) -> AsyncIterator[None]:
    """Deliver the mails of `queue` in the background while the block runs."""
    delivery = MailDelivery(
        queue,
        letters=Letters(public_url=settings.links_url, sender=settings.mail_sender),
        mailer=mailer_of(settings),
        preparations=preparations,
    )
    async with in_background(delivery.run()):
        yield
