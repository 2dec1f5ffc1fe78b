"""The texts of mails: one plain text and one HTML text for each kind, made by Jinja2 from `templates/`.

The links begin with the public URL of the settings. Nothing of a request, such as its `Host` header, gets into a link.
A mail does not contain the name of a user either, because a stranger could register other people's addresses with a
name that advertises something.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from email_validator import validate_email
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from subgraphs.auth.mail.mailer import Envelope

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class MailKind(StrEnum):
    """A kind of mail. The values are the names of its templates, and are part of stored mails."""

    PASSWORD_RESET = "password-reset"  # noqa: S105 - not a secret
    """The link to choose a new password. Fact: `token`."""
    NEW_DEVICE = "new-device"
    """A login from a new device. Facts: `device`, `network` (may be empty), `time`."""
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - not a secret
    """The password was changed or reset."""
    EMAIL_VERIFICATION = "email-verification"
    """The link that verifies the address of a registration. Facts: `token`, `user_id`."""
    EMAIL_CHANGE = "email-change"
    """The link that verifies a new address. Facts: `token`, `user_id`, and the old address as `email`."""
    EMAIL_CHANGED = "email-changed"
    """To the old address: the account has another address now."""
    SECOND_FACTOR_CHANGED = "second-factor-changed"
    """A second factor was added, removed or used up. Fact: `change`, a whole sentence."""


class Letter(StrEnum):
    """The two texts of a mail, by the ends of the names of their templates."""

    TEXT = "txt"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Style:
    """The properties of a kind of mail. After `lifetime`, the mail and its link are of no use any more."""

    subject: str
    lifetime: timedelta


STYLES: Final[Mapping[MailKind, Style]] = MappingProxyType(
    {
        MailKind.PASSWORD_RESET: Style("Choose a new password", timedelta(minutes=30)),
        MailKind.NEW_DEVICE: Style("New login to your account", timedelta(days=7)),
        MailKind.PASSWORD_CHANGED: Style("Your password was changed", timedelta(days=3)),
        MailKind.EMAIL_VERIFICATION: Style("Confirm your e-mail address", timedelta(days=3)),
        MailKind.EMAIL_CHANGE: Style("Confirm your new e-mail address", timedelta(hours=1)),
        MailKind.EMAIL_CHANGED: Style("Your e-mail address was changed", timedelta(days=3)),
        MailKind.SECOND_FACTOR_CHANGED: Style("Your second factors were changed", timedelta(days=3)),
    }
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one address.

    Attributes:
        facts: the values that the templates of the kind need.
    """

    kind: MailKind
    recipient: str
    facts: Mapping[str, str]


class Letters:
    """Makes complete messages.

    Args:
        public_url: the URL of the service, as users reach it, without a slash at its end.
        sender: the address from which the mails come.
    """

    def __init__(self, *, public_url: str, sender: Address) -> None:
        self._public_url = public_url
        self._sender = sender
        self._templates = Environment(
            loader=PackageLoader("subgraphs.auth.mail"),
            autoescape=select_autoescape([Letter.HTML]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._templates.globals["page"] = self._page

    def write(self, mail: Mail, mail_id: str, date: datetime) -> Envelope:
        """Return the message. Equal arguments give the same message, apart from the boundary of its two parts."""
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = recipient = _address(mail.recipient)
        message["Subject"] = STYLES[mail.kind].subject
        message["Date"] = format_datetime(date)
        message["Message-ID"] = f"<{mail_id}@{self._sender.domain}>"
        # RFC 3834: programs that answer mails, such as absence notices, do not answer this one.
        message["Auto-Submitted"] = "auto-generated"
        text, html = self._text(mail, Letter.TEXT), self._text(mail, Letter.HTML)
        message.set_content(text, cte=_encoding(text))
        message.add_alternative(html, subtype=Letter.HTML, cte=_encoding(html))
        return Envelope(mail_id, self._sender.addr_spec, recipient.addr_spec, message)

    def _text(self, mail: Mail, letter: Letter) -> str:
        template = self._templates.get_template(f"{mail.kind}.{letter}")
        return template.render(**mail.facts, subject=STYLES[mail.kind].subject)

    def _page(self, path: str, **query: str) -> str:
        """Return the URL of a page of this service."""
        return f"{self._public_url}{path}" + (f"?{urlencode(query)}" if query else "")


def _encoding(text: str) -> str | None:
    """Return the encoding that leaves an ASCII text as it is. Otherwise, links are broken into lines in the mailbox.

    Return None for other texts, whose encoding Python chooses.
    """
    return "7bit" if text.isascii() else None


def _address(email: str) -> Address:
    """Return an address whose domain is in ASCII, also if the domain is internationalised."""
    address = validate_email(email, check_deliverability=False, strict=True)
    return Address(username=address.local_part, domain=address.ascii_domain)
