"""Reads mails as a user's mail program would, with the standard library."""

from __future__ import annotations

import email
import mailbox
import re
from email import policy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path


def parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=policy.default)


def mails_in(folder: Path) -> list[EmailMessage]:
    """The mails of the mailbox, oldest first."""
    if not folder.exists():
        return []
    box = mailbox.Maildir(folder, factory=None, create=False)
    messages = [parsed(box.get_bytes(key)) for key in box.keys()]  # noqa: SIM118 - iteration gives messages, not keys
    return sorted(messages, key=lambda message: message["Date"].datetime)


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body is not None
    text: str = body.get_content()
    return text


def link_in(message: EmailMessage) -> str:
    """The only link of the mail."""
    links: set[str] = set(re.findall(r"https?://[^\s\"<>]+", text_of(message)))
    (link,) = links
    return link
