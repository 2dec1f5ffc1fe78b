"""Sends mails by SMTP (RFC 5321), with the library aiosmtplib.

The scheme of the URL says how the connection is protected:

| scheme | protection | default port |
|---|---|---|
| `smtps` | TLS from the start (RFC 8314) | 465 |
| `smtp` | TLS after `STARTTLS` (RFC 3207); a server without it gets no mail | 587 |
| `smtp+plain` | none; for a server on the same machine or in a test | 25 |
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from email import policy
from enum import Enum
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

from servicekit.http_url import is_loopback
from subgraphs.auth.mail.mailer import MailerUnavailable, MailRefused

if TYPE_CHECKING:
    from subgraphs.auth.mail.mailer import Envelope

# How long the delivery of one mail may take, with the connection. RFC 5321 §4.5.3.2 allows a server minutes for each
# command. But then a few slow mails would stop all others, and a mail is tried again anyway.
SEND_SECONDS: Final = 30.0
# Permanent failures have codes from 500 on (RFC 5321 §4.2.1).
_PERMANENT: Final = 500
_EXPECTED: Final = "a URL such as smtps://user:password@mail.example.com or smtp://mail:587 is expected"
_POLICY: Final = policy.SMTP
_POLICY_UTF8: Final = policy.SMTPUTF8


class Security(Enum):
    """How the connection to the server is protected."""

    TLS = "smtps"
    STARTTLS = "smtp"
    NONE = "smtp+plain"


_DEFAULT_PORTS: Final = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The address of a mail server. `repr` does not show the password."""

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse a URL such as `smtp://user:password@mail.example.com:587`.

        Raises:
            ValueError: the URL is malformed, or would send a password without encryption. The message does not repeat
                the URL, because it may contain a password.
        """
        try:
            parts = urlsplit(url)
            security, port, host = Security(parts.scheme), parts.port, parts.hostname
        except ValueError:
            raise ValueError(_EXPECTED) from None
        if not host or port == 0 or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(_EXPECTED)
        username = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        if (username is None) != (password is None):
            raise ValueError("the URL must have both a user and a password, or neither")
        server = cls(host, port or _DEFAULT_PORTS[security], security, username, password)
        if username is not None and server.is_unprotected:
            raise ValueError("smtp+plain:// would send the password without encryption; use smtp:// or smtps://")
        return server

    @property
    def is_unprotected(self) -> bool:
        """Whether others on the network could read the mails."""
        return self.security is Security.NONE and not self.is_local

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(self.host)


class SmtpMailer:
    """A `Mailer` that opens a connection to one server for each mail."""

    def __init__(self, server: SmtpServer, *, tls: ssl.SSLContext | None = None) -> None:
        """`tls` checks the server's certificate; by default against the certificate authorities of this machine."""
        self._server = server
        self._tls = tls or ssl.create_default_context()

    async def send(self, envelope: Envelope) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._send(envelope)
        except TimeoutError as error:
            raise MailerUnavailable(f"the mail server did not respond within {SEND_SECONDS:g} seconds") from error
        except OSError as error:
            raise MailerUnavailable(f"no connection to the mail server: {type(error).__name__}") from error
        # The causes are dropped, because they contain the server's text, which may repeat the recipient's address.
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refusal("the recipient", error.recipients[0].code) from None
        except aiosmtplib.SMTPDataError as error:
            raise _refusal("the message", error.code) from None
        except aiosmtplib.SMTPResponseException as error:
            # The server refuses this service (its sender or its password), so an operator must change something. The
            # mails wait for that.
            raise MailerUnavailable(f"the mail server responded {error.code}: {type(error).__name__}") from None
        except aiosmtplib.SMTPException as error:
            raise MailerUnavailable(f"the mail server cannot be used: {type(error).__name__}") from None

    async def _send(self, envelope: Envelope) -> None:
        server = self._server
        async with aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.security is Security.TLS,
            start_tls=server.security is Security.STARTTLS,
            tls_context=None if server.security is Security.NONE else self._tls,
            timeout=SEND_SECONDS,
        ) as connection:
            needs_utf8 = not f"{envelope.sender}{envelope.recipient}".isascii()
            content = envelope.message.as_bytes(policy=_POLICY_UTF8 if needs_utf8 else _POLICY)
            options = ["SMTPUTF8", "BODY=8BITMIME"] if needs_utf8 else []
            try:
                await connection.sendmail(envelope.sender, envelope.recipient, content, mail_options=options)
            except aiosmtplib.SMTPNotSupported:
                reason = "the mail server does not support addresses that are not ASCII (RFC 6531)"
                raise MailRefused(reason) from None


def _refusal(what: str, code: int) -> MailerUnavailable | MailRefused:
    kind = MailRefused if code >= _PERMANENT else MailerUnavailable
    return kind(f"the mail server refused {what}: {code}")
