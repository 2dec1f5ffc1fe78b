"""A real SMTP server (aiosmtpd) on a free port, on the event loop of the test."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from tests.subgraphs.auth.mail.mailboxes import parsed

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from email.message import EmailMessage


@dataclass
class Inbox:
    """What the server does with mails, and the mails that it got.

    Attributes:
        port: the port on which the server listens.
        on_recipient: the response to `RCPT`, such as `550 no such user`; None accepts.
        on_data: the response to a message; None accepts.
        logins: the user and the password of each login that succeeded.
        secure: whether each mail came over TLS.
    """

    port: int = 0
    on_recipient: str | None = None
    on_data: str | None = None
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, count: int) -> None:
        """Return when the server has accepted `count` mails."""
        async with asyncio.timeout(60), self.arrived:
            await self.arrived.wait_for(lambda: len(self.messages) >= count)

    # The names and arguments of the following methods are those of aiosmtpd's hooks.

    async def handle_RCPT(  # noqa: N802 - see above
        self, _server: SMTP, _session: object, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.on_recipient is not None:
            return self.on_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: object, envelope: Envelope) -> str:  # noqa: N802 - see above
        if self.on_data is not None:
            return self.on_data
        assert isinstance(envelope.content, bytes)
        self.secure.append(server.transport is not None and server.transport.get_extra_info("ssl_object") is not None)
        self.recipients += envelope.rcpt_tos
        async with self.arrived:
            self.messages.append(parsed(envelope.content))
            self.arrived.notify_all()
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: object, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        if data.password != b"right":
            return AuthResult(success=False, handled=False)
        self.logins.append((data.login, data.password))
        return AuthResult(success=True)


@asynccontextmanager
async def serving(
    inbox: Inbox, *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[Inbox]:
    """Run a server. `tls` protects the connection from its start; `starttls` after the command `STARTTLS`."""

    def protocol() -> SMTP:
        return SMTP(
            inbox,
            hostname="mail.test",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=inbox.authenticate,
            auth_require_tls=tls is None,
            **{"enable_SMTPUTF8": True, **options},
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", inbox.port, ssl=tls)
    inbox.port = server.sockets[0].getsockname()[1]
    try:
        yield inbox
    finally:
        server.close()
