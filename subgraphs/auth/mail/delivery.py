"""Accepts mails, and sends them in the background.

A request only stores a mail, so its response does not depend on the mail server. A mail that cannot be sent is tried
again after 30 s, 1 min, 2 min … up to 30 min, until it expires.

Before a mail is sent, its *preparation* decides whether it is still wanted, and may replace it. The request for a reset
of a password, for example, stores a mail for any address. Only the preparation looks for the user. So the request does
the same work for addresses of users and of strangers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

import structlog

from servicekit.errors import ConfigurationError
from subgraphs.auth.mail.letters import STYLES, Mail, MailKind
from subgraphs.auth.mail.mailer import MailerUnavailable, MailRefused
from subgraphs.auth.mail.outbox import QueuedMail
from subgraphs.auth.tokens import new_identifier
from subgraphs.kit.background import repeat

if TYPE_CHECKING:
    from subgraphs.auth.mail.letters import Letters
    from subgraphs.auth.mail.mailer import Mailer
    from subgraphs.auth.mail.outbox import ClaimedMail, MailOutbox
    from subgraphs.auth.sealing import Sealer
    from subgraphs.kit.store_factory import Clock

# How long a claim lasts. This is longer than a mailer may take, so no other process sends a mail that is being sent.
CLAIM: Final = timedelta(minutes=2)
# How many mails are sent at the same time.
TOGETHER: Final = 10
# How often the outbox is searched for mails that other processes have queued, or that are tried again.
POLL_SECONDS: Final = 5.0
_FIRST_DELAY: Final = timedelta(seconds=30)
_LONGEST_DELAY: Final = timedelta(minutes=30)

Preparation: TypeAlias = Callable[[Mail, QueuedMail], Awaitable[Mail | None]]
"""Returns the mail to send, or None if no mail is wanted any more. It may run again for the same mail."""

_log = structlog.stdlib.get_logger("mail")


class MailQueue:
    """Accepts mails for the delivery in the background.

    `sealed` makes a mail that a store method writes together with a change. Afterwards, `wake` makes sure that the
    mail is sent soon. `add` does both for a mail without a change.
    """

    def __init__(self, outbox: MailOutbox, sealer: Sealer, clock: Clock) -> None:
        self.outbox = outbox
        self.clock = clock
        self._sealer = sealer
        self.queued = asyncio.Event()

    def sealed(self, mail: Mail) -> QueuedMail:
        mail_id, now = new_identifier(), self.clock()
        content = json.dumps({"kind": mail.kind, "recipient": mail.recipient, "facts": dict(mail.facts)})
        sealed = self._sealer.seal(content.encode(), bound_to=mail_id.encode())
        return QueuedMail(mail_id, sealed, now, now + STYLES[mail.kind].lifetime)

    def notice(self, kind: MailKind, recipient: str, **facts: str) -> list[QueuedMail]:
        """Return the mail that reports a change, for the store method that writes the change."""
        return [self.sealed(Mail(kind, recipient, facts))]

    def wake(self) -> None:
        """Let the delivery look for mails now."""
        self.queued.set()

    async def add(self, mail: Mail) -> None:
        """Store a mail. When this method returns, the mail is not lost any more.

        Raises:
            Unavailable: the store does not respond.
        """
        await self.outbox.add([self.sealed(mail)])
        self.wake()

    def opened(self, queued: QueuedMail) -> Mail:
        """Return the content of a stored mail.

        Raises:
            ConfigurationError: the mail was stored with another `AUTH_JWT_SECRET`.
        """
        content = json.loads(self._sealer.open(queued.sealed, bound_to=queued.id.encode()))
        return Mail(MailKind(content["kind"]), content["recipient"], content["facts"])


class MailDelivery:
    """Sends the mails of an outbox. Several processes may do this for the same outbox."""

    def __init__(
        self,
        queue: MailQueue,
        *,
        letters: Letters,
        mailer: Mailer,
        preparations: Mapping[MailKind, Preparation],
    ) -> None:
        self._queue = queue
        self._outbox = queue.outbox
        self._clock = queue.clock
        self._letters = letters
        self._mailer = mailer
        self._preparations = preparations

    async def run(self) -> None:
        """Send mails until the task is cancelled."""
        await repeat(self.send_due, self._wait)

    async def send_due(self) -> None:
        """Send all mails that are due now."""
        while claimed := await self._claim():
            # Every mail is tried, even if another one shows a mistake in this program.
            results = await asyncio.gather(*(self._handle(each) for each in claimed), return_exceptions=True)
            for result in results:
                if result is not None:
                    raise result

    async def _claim(self) -> list[ClaimedMail]:
        now = self._clock()
        return await self._outbox.claim(now, now + CLAIM, TOGETHER)

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._queue.queued.wait()
        self._queue.queued.clear()

    async def _handle(self, claimed: ClaimedMail) -> None:
        """Send a claimed mail, and remove it or make it due again.

        The log names a mail by its id, because nobody needs addresses in logs.
        """
        queued, now = claimed.mail, self._clock()
        log = _log.bind(mail_id=queued.id, attempts=claimed.attempts)
        if now >= queued.expires_at:
            log.warning("mail expired before it could be sent")
            await self._outbox.remove(queued.id)
            return
        try:
            mail = await self._prepared(queued)
            if mail is not None:
                await self._mailer.send(self._letters.write(mail, queued.id, queued.queued_at))
        # While AUTH_JWT_SECRET is replaced, a process with the other secret cannot read a mail that another one can.
        except (MailerUnavailable, ConfigurationError) as error:
            log.warning("mail not sent, it is tried again", reason=str(error))
            await self._outbox.postpone(queued.id, now + _delay(claimed.attempts))
            return
        except MailRefused as error:
            log.error("mail not sent, it is dropped", reason=str(error))  # noqa: TRY400 - the reason says all
        await self._outbox.remove(queued.id)

    async def _prepared(self, queued: QueuedMail) -> Mail | None:
        mail = self._queue.opened(queued)
        prepare = self._preparations.get(mail.kind)
        return mail if prepare is None else await prepare(mail, queued)


def _delay(attempts: int) -> timedelta:
    """Return the pause after the attempt with this number."""
    return min(_FIRST_DELAY * (1 << min(attempts - 1, 10)), _LONGEST_DELAY)
