"""How a mail leaves the service: the protocol `Mailer`, and its errors.

```
MailerError
├── MailerUnavailable      the mail may be accepted later
└── MailRefused            the mail will never be accepted
```

The messages of these errors are logged. So they contain no e-mail address, and nothing of the mail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from email.message import EmailMessage


class MailerError(Exception):
    """The mail was not accepted. The message says why, for operators."""


class MailerUnavailable(MailerError):
    """The mail was not accepted now. It may be accepted later."""


class MailRefused(MailerError):
    """The mail is refused for good, for example because the mailbox does not exist."""


class Envelope(NamedTuple):
    """A complete message with the addresses of its SMTP envelope.

    Attributes:
        id: the id of the mail in the outbox, which is also part of the message's `Message-ID`. If a mail is sent
            again, it has the same id.
    """

    id: str
    sender: str
    recipient: str
    message: EmailMessage


class Mailer(Protocol):
    """Delivers messages, or gives them to a server that does."""

    async def send(self, envelope: Envelope) -> None:
        """Return when somebody else is responsible for the message, or it is on the disk.

        Raises:
            MailerUnavailable: try again later.
            MailRefused: give up.
        """
