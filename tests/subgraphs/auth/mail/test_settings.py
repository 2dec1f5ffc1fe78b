from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicekit.errors import ConfigurationError
from servicekit.settings import load
from subgraphs.auth.mail.settings import parse_sender
from subgraphs.auth.settings import AuthSettings

if TYPE_CHECKING:
    from pathlib import Path

SMTP = {"AUTH_SMTP_URL": "smtps://u:s3cret@mail.example", "AUTH_MAIL_FROM": "no-reply@bank.example"}


def settings(tmp_path: Path, **environ: str) -> AuthSettings:
    return load(AuthSettings, {"MOSAFE_ENV": "production", "MOSAFE_DATA_DIR": str(tmp_path), **environ})


def test_by_default_mails_are_in_the_data_directory_and_links_name_the_issuer(tmp_path: Path) -> None:
    found = settings(tmp_path, AUTH_ISSUER="https://id.bank.example/")
    assert (found.mail_server, found.mailbox) == (None, tmp_path / "mail")
    assert found.links_url == "https://id.bank.example"
    assert str(found.mail_sender) == "MoSafe <no-reply@localhost>"


def test_a_mail_server_is_used_with_the_public_url(tmp_path: Path) -> None:
    found = settings(tmp_path, **SMTP, AUTH_PUBLIC_URL="https://id.bank.example/")
    assert found.mail_server is not None
    assert found.mail_server.host == "mail.example"
    assert found.links_url == "https://id.bank.example"
    assert found.mail_sender.addr_spec == "no-reply@bank.example"


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        ({"AUTH_SMTP_URL": "smtps://u:s3cret@mail.example"}, "AUTH_SMTP_URL"),
        ({**SMTP, "AUTH_PUBLIC_URL": "https://bank.example", "AUTH_MAIL_FROM": ""}, "AUTH_MAIL_FROM"),
        ({"AUTH_MAIL_FROM": "Bank"}, "AUTH_MAIL_FROM"),
        ({"AUTH_MAIL_FROM": "a@b@c.example"}, "AUTH_MAIL_FROM"),
        ({"AUTH_PUBLIC_URL": "bank.example"}, "AUTH_PUBLIC_URL"),
        ({"AUTH_PUBLIC_URL": "http://bank.example"}, "AUTH_PUBLIC_URL"),
        ({"AUTH_PUBLIC_URL": "https://bank.example?next=1"}, "AUTH_PUBLIC_URL"),
        ({"AUTH_PUBLIC_URL": "https://u:p@bank.example"}, "AUTH_PUBLIC_URL"),
        ({"AUTH_PUBLIC_URL": "https://bank.example:x"}, "AUTH_PUBLIC_URL"),
        ({"AUTH_SMTP_URL": "http://u:s3cret@mail.example"}, "AUTH_SMTP_URL"),
        ({"AUTH_PUBLIC_URL": "https://bank.example", "AUTH_SMTP_URL": "smtp+plain://mail"}, "AUTH_SMTP_URL"),
    ],
)
def test_mistakes_name_the_variable_and_no_password(tmp_path: Path, environ: dict[str, str], variable: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(tmp_path, **environ)
    assert caught.value.variable == variable
    assert "s3cret" not in str(caught.value)


def test_development_may_use_plain_connections(tmp_path: Path) -> None:
    environ = {**SMTP, "AUTH_SMTP_URL": "smtp+plain://mailpit:1025", "AUTH_PUBLIC_URL": "http://bank.test"}
    found = settings(tmp_path, **{**environ, "MOSAFE_ENV": "development"})
    assert found.links_url == "http://bank.test"


def test_a_sender_may_have_a_name() -> None:
    address = parse_sender("The Bank <no-reply@b\u00fccher.example>")
    assert (address.display_name, address.addr_spec) == ("The Bank", "no-reply@xn--bcher-kva.example")
