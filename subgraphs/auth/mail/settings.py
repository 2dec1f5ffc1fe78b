"""The settings of mails, and of the public address in their links."""

from __future__ import annotations

from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, SecretStr, ValidationInfo

from servicekit.http_url import is_loopback
from subgraphs.auth.mail.smtp import SmtpServer
from subgraphs.kit.settings import SubgraphSettings

if TYPE_CHECKING:
    from pathlib import Path

_EXPECTED_URL: Final = "a URL such as https://example.com is expected"
_MAILBOX_SENDER: Final = Address("MoSafe", "no-reply", "localhost")


def _check_public_url(url: str | None, info: ValidationInfo) -> str | None:
    """Return `url` without a slash at its end. Raises ValueError if users cannot safely reach it."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        host, is_url = parts.hostname, parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        raise ValueError(_EXPECTED_URL) from None
    if not is_url or not host or parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(_EXPECTED_URL)
    if parts.scheme == "http" and info.data.get("env") == "production" and not is_loopback(host):
        raise ValueError("in production, links to other machines must begin with https://")
    return url.rstrip("/")


def _check_smtp_url(url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    if url is None:
        return None
    server = SmtpServer.parse(url.get_secret_value())
    if server.is_unprotected and info.data.get("env") == "production":
        raise ValueError("in production, smtp+plain:// may only name a server on this machine")
    if info.data.get("public_url") is None:
        raise ValueError("needs AUTH_PUBLIC_URL, because the links in mails begin with it")
    return url


def _check_sender(text: str | None, info: ValidationInfo) -> str | None:
    if text is None:
        if info.data.get("smtp_url") is not None:
            raise ValueError("AUTH_SMTP_URL needs it: the address from which mails come")
        return None
    parse_sender(text)
    return text


def parse_sender(text: str) -> Address:
    """Parse an address such as `MoSafe <no-reply@example.com>`, or the address alone.

    Raises:
        ValueError: the text is not an address.
    """
    name, address = parseaddr(text)
    try:
        return Address(name, addr_spec=validate_email(address, check_deliverability=False).ascii_email or "")
    except (EmailNotValidError, HeaderParseError, IndexError):
        raise ValueError("an address such as MoSafe <no-reply@example.com> is expected") from None


class MailSettings(SubgraphSettings):
    """The settings of mails.

    Attributes:
        public_url: the URL under which users reach this service, without a slash at its end; by default the issuer.
        smtp_url: the mail server (`subgraphs.auth.mail.smtp`). If None, mails are files in the data directory.
        mail_from: the address from which mails come.
    """

    public_url: Annotated[str | None, AfterValidator(_check_public_url)] = Field(None, alias="AUTH_PUBLIC_URL")
    smtp_url: Annotated[SecretStr | None, AfterValidator(_check_smtp_url)] = Field(None, alias="AUTH_SMTP_URL")
    mail_from: Annotated[str | None, AfterValidator(_check_sender)] = Field(
        None, alias="AUTH_MAIL_FROM", validate_default=True
    )

    @property
    def links_url(self) -> str:
        """The URL with which links to this service begin."""
        return self.public_url or self.issuer.rstrip("/")

    @property
    def mail_server(self) -> SmtpServer | None:
        return None if self.smtp_url is None else SmtpServer.parse(self.smtp_url.get_secret_value())

    @property
    def mail_sender(self) -> Address:
        return _MAILBOX_SENDER if self.mail_from is None else parse_sender(self.mail_from)

    @property
    def mailbox(self) -> Path:
        """The folder of the mailbox that is used without a mail server."""
        return self.data_dir / "mail"
