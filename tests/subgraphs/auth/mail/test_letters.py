from __future__ import annotations

import re
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from typing import Final

import pytest

from subgraphs.auth.mail.letters import STYLES, Letters, Mail, MailKind
from subgraphs.auth.second_factor.notices import FactorChange
from tests.subgraphs.auth.mail.mailboxes import link_in, parsed, text_of

SENDER: Final = Address("MoSafe", "no-reply", "bank.example")
LETTERS: Final = Letters(public_url="https://id.bank.example", sender=SENDER)
DATE: Final = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
# A value for each fact that a kind of mail may have.
FACTS: Final[dict[MailKind, dict[str, str]]] = {
    MailKind.PASSWORD_RESET: {"token": "a-token_1"},
    MailKind.NEW_DEVICE: {
        "device": "Samsung Internet on Android",
        "network": "203.0.113.0/24",
        "time": "31 January 2026, 09:30 UTC",
    },
    MailKind.PASSWORD_CHANGED: {},
    MailKind.EMAIL_VERIFICATION: {"token": "a-token_1", "user_id": "u"},
    MailKind.EMAIL_CHANGE: {"token": "a-token_1", "user_id": "u", "email": "old@example.com"},
    MailKind.EMAIL_CHANGED: {},
    MailKind.SECOND_FACTOR_CHANGED: {"change": FactorChange.RESET.value},
}


def mail(kind: MailKind = MailKind.PASSWORD_RESET, recipient: str = "ann@example.com", **facts: str) -> Mail:
    return Mail(kind, recipient, {**FACTS[kind], **facts})


@pytest.mark.parametrize("kind", MailKind)
def test_each_kind_of_mail_has_both_texts_with_the_same_links(kind: MailKind) -> None:
    message = parsed(LETTERS.write(mail(kind), "id1", DATE).message.as_bytes(policy=policy.SMTP))
    plain, html = text_of(message), text_of(message, "html")
    links = re.findall(r"https?://[^\s\"<>]+", plain)
    assert re.findall(r"https?://[^\s\"<>]+", html.replace("&amp;", "&")) == links
    assert all(link.startswith("https://id.bank.example/account/") for link in links)
    assert message["Subject"] == STYLES[kind].subject
    assert max(len(line) for line in plain.splitlines() if "https://" not in line) < 80
    assert "MoSafe never asks for your password" in " ".join(plain.split())
    assert "http" not in re.sub(r"href=\"[^\"]+\"", "", html), "the HTML text loads something"


def test_a_notice_names_the_network_if_it_is_known() -> None:
    def text(network: str) -> str:
        return text_of(LETTERS.write(mail(MailKind.NEW_DEVICE, network=network), "id1", DATE).message)

    assert "\nDevice:  Samsung Internet on Android\nNetwork: 203.0.113.0/24\nTime:    31 January" in text(
        "203.0.113.0/24"
    )
    assert "\nDevice:  Samsung Internet on Android\nTime:    31 January" in text("")


def test_a_message_has_the_headers_of_an_automatic_mail() -> None:
    message = LETTERS.write(mail(), "id1", DATE).message
    assert message["From"] == "MoSafe <no-reply@bank.example>"
    assert message["To"] == "ann@example.com"
    assert message["Message-ID"] == "<id1@bank.example>"
    assert message["Date"] == "Sat, 31 Jan 2026 09:30:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert link_in(message) == "https://id.bank.example/account/reset?token=a-token_1"


@pytest.mark.parametrize("kind", MailKind)
def test_a_person_can_read_the_link_in_the_file_of_a_mail(kind: MailKind) -> None:
    message = LETTERS.write(mail(kind), "id1", DATE).message
    content = message.as_bytes(policy=policy.SMTP).decode("ascii")
    assert all(link in content for link in re.findall(r"https?://[^\s\"<>]+", text_of(message)))
    assert max(len(line) for line in content.splitlines()) <= 998, "the limit of SMTP"


def test_the_domain_of_an_address_is_sent_in_ascii() -> None:
    envelope = LETTERS.write(mail(recipient="ann@b\u00fccher.example"), "id1", DATE)
    assert envelope.recipient == "ann@xn--bcher-kva.example"
    assert envelope.message["To"] == "ann@xn--bcher-kva.example"


def test_facts_are_escaped_in_html_and_in_links() -> None:
    message = LETTERS.write(mail(token='"><script>&x=1'), "id1", DATE).message
    assert "<script>" not in text_of(message, "html")
    assert link_in(message).endswith("?token=%22%3E%3Cscript%3E%26x%3D1")
