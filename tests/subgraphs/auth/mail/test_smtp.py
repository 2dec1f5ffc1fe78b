"""The SMTP mailer against a real server.

Covers `subgraphs/auth/mail/smtp.py` and `subgraphs/auth/mail/mailer.py`.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from subgraphs.auth.mail.mailer import MailerUnavailable, MailRefused
from subgraphs.auth.mail.smtp import Security, SmtpMailer, SmtpServer
from tests.router.transport.certificates import self_signed
from tests.subgraphs.auth.mail.mailboxes import link_in
from tests.subgraphs.auth.mail.smtp_server import Inbox, serving
from tests.subgraphs.auth.mail.test_letters import DATE, LETTERS, mail

if TYPE_CHECKING:
    from pathlib import Path

    from subgraphs.auth.mail.mailer import Envelope


def envelope(recipient: str = "ann@example.com") -> Envelope:
    return LETTERS.write(mail(recipient=recipient), "id1", DATE)


def plain(inbox: Inbox) -> SmtpMailer:
    return SmtpMailer(SmtpServer.parse(f"smtp+plain://127.0.0.1:{inbox.port}"))


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The TLS contexts of the server and of a client that trusts it."""
    server, trusted = self_signed(tmp_path)
    return server, ssl.create_default_context(cafile=trusted)


async def test_a_message_arrives_as_it_was_written() -> None:
    async with serving(Inbox()) as inbox:
        await plain(inbox).send(envelope())
    (message,) = inbox.messages
    assert inbox.recipients == ["ann@example.com"]
    assert (message["Message-ID"], message["To"]) == ("<id1@bank.example>", "ann@example.com")
    assert link_in(message) == "https://id.bank.example/account/reset?token=a-token_1"


async def test_an_address_that_is_not_ascii_is_sent_as_utf8() -> None:
    async with serving(Inbox()) as inbox:
        await plain(inbox).send(envelope("\u00e5nn@example.com"))
    assert inbox.recipients == ["\u00e5nn@example.com"]
    assert inbox.messages[0]["To"] == "\u00e5nn@example.com"


async def test_an_address_that_is_not_ascii_is_refused_by_a_server_without_utf8() -> None:
    async with serving(Inbox(), enable_SMTPUTF8=False) as inbox:
        with pytest.raises(MailRefused, match="not ASCII"):
            await plain(inbox).send(envelope("\u00e5nn@example.com"))
    assert inbox.messages == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_mails_and_passwords_are_sent_over_tls(
    scheme: str, certificate: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, client = certificate
    async with serving(Inbox(), **{"tls" if scheme == "smtps" else "starttls": server}) as inbox:
        address = SmtpServer.parse(f"{scheme}://b%40nk:right@127.0.0.1:{inbox.port}")
        await SmtpMailer(address, tls=client).send(envelope())
    assert inbox.secure == [True]
    assert inbox.logins == [(b"b@nk", b"right")]


async def test_a_server_with_an_unknown_certificate_gets_no_mail(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with serving(Inbox(), starttls=certificate[0]) as inbox:
        with pytest.raises(MailerUnavailable):
            await SmtpMailer(SmtpServer.parse(f"smtp://bank:right@127.0.0.1:{inbox.port}")).send(envelope())
    assert (inbox.messages, inbox.logins) == ([], [])


async def test_a_server_without_starttls_gets_no_mail() -> None:
    """Somebody between both could remove `STARTTLS` from the server's response."""
    async with serving(Inbox()) as inbox:
        with pytest.raises(MailerUnavailable):
            await SmtpMailer(SmtpServer.parse(f"smtp://127.0.0.1:{inbox.port}")).send(envelope())
    assert inbox.messages == []


async def test_a_wrong_password_is_a_fault_of_the_service_so_mails_wait(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server, client = certificate
    async with serving(Inbox(), tls=server) as inbox:
        address = SmtpServer.parse(f"smtps://bank:wrong-secret@127.0.0.1:{inbox.port}")
        with pytest.raises(MailerUnavailable, match="535") as caught:
            await SmtpMailer(address, tls=client).send(envelope())
    assert "wrong-secret" not in f"{caught.value!r} {address!r}"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("550 5.1.1 <ann@example.com> unknown", MailRefused),
        ("450 4.2.1 <ann@example.com> is full", MailerUnavailable),
    ],
)
@pytest.mark.parametrize("stage", ["on_recipient", "on_data"])
async def test_the_code_of_the_server_says_whether_to_try_again(
    stage: str, response: str, expected: type[Exception]
) -> None:
    async with serving(Inbox(**{stage: response})) as inbox:  # type: ignore[arg-type]  # the keys of the table
        with pytest.raises(expected, match=response[:3]) as caught:
            await plain(inbox).send(envelope())
    assert "ann" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_server_that_is_down_is_tried_again() -> None:
    async with serving(Inbox()) as inbox:
        mailer = plain(inbox)
    with pytest.raises(MailerUnavailable, match="no connection"):
        await mailer.send(envelope())


async def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio  # noqa: PLC0415 - only this test runs a server of its own

    monkeypatch.setattr("subgraphs.auth.mail.smtp.SEND_SECONDS", 0.05)
    opened: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _reader, writer: opened.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    with pytest.raises(MailerUnavailable):
        await SmtpMailer(SmtpServer.parse(f"smtp+plain://127.0.0.1:{port}")).send(envelope())
    for writer in opened:
        writer.close()
    silent.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtps://u:p@mail.example", SmtpServer("mail.example", 465, Security.TLS, "u", "p")),
        ("smtp://mail.example", SmtpServer("mail.example", 587, Security.STARTTLS)),
        ("smtp://a%40b:c%3Ad@mail.example:25", SmtpServer("mail.example", 25, Security.STARTTLS, "a@b", "c:d")),
        ("smtp+plain://localhost", SmtpServer("localhost", 25, Security.NONE)),
        ("smtp+plain://u:p@[::1]:1025", SmtpServer("::1", 1025, Security.NONE, "u", "p")),
    ],
)
def test_urls_name_the_server_and_its_protection(url: str, expected: SmtpServer) -> None:
    assert SmtpServer.parse(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "http://u:s3cret@mail.example",
        "smtp://u:s3cret@",
        "smtp://u:s3cret@mail.example:x",
        "smtp://u:s3cret@mail.example:0",
        "smtp://u:s3cret@mail.example/inbox",
        "smtp://u:s3cret@mail.example?tls=no",
        "smtp://u@mail.example",
        "smtp+plain://u:s3cret@mail.example",
    ],
)
def test_other_urls_are_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|encryption") as caught:
        SmtpServer.parse(url)
    assert "s3cret" not in str(caught.value)
