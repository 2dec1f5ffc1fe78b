"""Each change of the second factors is reported to the user by mail (ASVS 6.3.7).

Covers `subgraphs/auth/second_factor/notices.py` and `subgraphs/auth/second_factor/parts.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from bank import values
from servicekit.settings import load
from subgraphs.auth.second_factor.notices import FactorChange
from subgraphs.auth.settings import AuthSettings
from tests.subgraphs.auth.command_line import CommandLine
from tests.subgraphs.auth.mail.mailboxes import text_of
from tests.subgraphs.auth.mail.smtp_server import Inbox, serving
from tests.subgraphs.auth.second_factor.authenticator import Authenticator
from tests.subgraphs.auth.second_factor.test_codes import REMOVE_APP, RENEW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.subgraphs.auth.second_factor.conftest import Desk

REMOVE_PASSKEY = "mutation ($input: RemovePasskeyInput!) { removePasskey(input: $input) { __typename } }"


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with serving(Inbox()) as inbox:
        yield inbox


@pytest.fixture
def settings(tmp_path: Path, inbox: Inbox) -> AuthSettings:
    environ = {
        **CommandLine(tmp_path).variables,
        "AUTH_ISSUER": "http://auth.test",
        "AUTH_PUBLIC_URL": "http://localhost:3001",
        "AUTH_SMTP_URL": f"smtp+plain://127.0.0.1:{inbox.port}",
        "AUTH_MAIL_FROM": "MoSafe <no-reply@bank.test>",
    }
    return load(AuthSettings, environ)


async def test_each_change_of_the_factors_is_reported_once_by_mail(desk: Desk, inbox: Inbox) -> None:
    await inbox.until(1)  # the mail that verifies the address
    await desk.enrol_app()
    await expect(inbox, 2, FactorChange.APP_ADDED)
    asked = await desk.log_in()
    await desk.complete(asked["challenge"], recoveryCode="0000-0000-0000-0000-0000-0000")
    await desk.complete(asked["challenge"], recoveryCode=desk.recovery_codes[0])
    await expect(inbox, 3, FactorChange.CODE_USED)
    await desk.run(RENEW)
    await expect(inbox, 4, FactorChange.CODES_RENEWED)
    passkey = (await desk.enrol_passkey(Authenticator()))["passkey"]
    await expect(inbox, 5, FactorChange.PASSKEY_ADDED)
    await desk.run(REMOVE_PASSKEY, input={"id": passkey["id"]})
    await expect(inbox, 6, FactorChange.PASSKEY_REMOVED)
    await desk.run(REMOVE_APP)
    await expect(inbox, 7, FactorChange.APP_REMOVED)
    await desk.run(REMOVE_APP)  # there is none any more, so there is nothing to report


async def test_a_reset_by_an_operator_is_reported_by_mail(desk: Desk, inbox: Inbox) -> None:
    await inbox.until(1)
    reset = ("users", "reset-factors", "ann@example.com", "--evidence", "passport, branch 12")
    await asyncio.to_thread(CommandLine(desk.settings.data_dir).output, *reset)
    desk.now = values.now()  # the command has used the clock of the machine
    desk.token = (await desk.log_in())["accessToken"]
    await desk.run("mutation { requestEmailVerification { __typename } }")  # the service looks for mails now
    await inbox.until(3)
    (message,) = [each for each in inbox.messages if each["Subject"] == "Your second factors were changed"]
    assert FactorChange.RESET.value in " ".join(text_of(message).split())


async def expect(inbox: Inbox, number: int, change: FactorChange) -> None:
    """Wait for the mail with this number, which reports `change`."""
    await inbox.until(number)
    message = inbox.messages[number - 1]
    assert message["To"] == "ann@example.com"
    assert message["Subject"] == "Your second factors were changed"
    assert change.value in " ".join(text_of(message).split())
    assert "http://localhost:3001/account/reset" in text_of(message)
