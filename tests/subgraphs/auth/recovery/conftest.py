from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from servicekit.settings import load
from subgraphs.auth.app import create_app
from subgraphs.auth.mail.letters import STYLES, MailKind
from subgraphs.auth.settings import AuthSettings
from tests.subgraphs.auth.client import Auth
from tests.subgraphs.auth.mail.mailboxes import link_in
from tests.subgraphs.auth.mail.smtp_server import Inbox, serving
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from email.message import EmailMessage
    from pathlib import Path

PUBLIC_URL = "https://id.bank.test"


@dataclass(frozen=True)
class Bank:
    """The running service, and the mail server that it uses."""

    auth: Auth
    inbox: Inbox
    settings: AuthSettings

    async def sign_up(self, name: str = "Ann") -> dict[str, Any]:
        """The session of a new customer whose mail has arrived."""
        count = len(self.inbox.messages)
        session = await self.auth.sign_up(name)
        await self.inbox.until(count + 1)
        return session

    async def mutate(self, name: str, selection: str, token: str | None = None, /, **given: object) -> dict[str, Any]:
        """The result of a mutation. `selection` is added to the fields of every problem."""
        kind = f"{name[0].upper()}{name[1:]}Input"
        query = (
            f"mutation ($input: {kind}!) {{ {name}(input: $input)"
            f" {{ __typename {selection} ... on Problem {{ code message }} }} }}"
        )
        response = await self.auth.bearing(token).execute(query, {"input": given})
        result: dict[str, Any] = response.ok()[name]
        return result

    async def login(self, email: str, password: str) -> dict[str, Any]:
        result: dict[str, Any] = (await self.auth.mutate("login", email=email, password=password)).ok()["login"]
        return result

    async def link_token(self, number: int) -> str:
        """The token of the link in the mail with this number, when it has arrived."""
        await self.inbox.until(number)
        return self._token_in(self.inbox.messages[number - 1])

    async def reset_token(self, number: int) -> str:
        """The token in the mail that resets the password, among the first `number` mails, which come in any order."""
        await self.inbox.until(number)
        (mail,) = (mail for mail in self.inbox.messages if mail["Subject"] == STYLES[MailKind.PASSWORD_RESET].subject)
        return self._token_in(mail)

    @staticmethod
    def _token_in(mail: EmailMessage) -> str:
        link = link_in(mail)
        assert link.startswith(f"{PUBLIC_URL}/account/")
        return link.partition("?token=")[2]


@pytest.fixture(params=["sqlite", "postgresql"])
async def bank(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bank]:
    async with serving(Inbox()) as inbox:
        environ = {
            "MOSAFE_ENV": "development",
            "MOSAFE_DATA_DIR": str(tmp_path),
            "AUTH_ISSUER": "http://auth.test",
            "AUTH_PUBLIC_URL": PUBLIC_URL,
            "AUTH_SMTP_URL": f"smtp+plain://127.0.0.1:{inbox.port}",
            "AUTH_MAIL_FROM": "MoSafe <no-reply@bank.test>",
            "SUBGRAPH_SIGNATURES": "off",
        }
        if request.param == "postgresql":
            environ["AUTH_DB_URL"] = request.getfixturevalue("postgres_url")
        settings = load(AuthSettings, environ)
        async with running(create_app(settings)) as http:
            yield Bank(Auth(GraphQLClient(http)), inbox, settings)
