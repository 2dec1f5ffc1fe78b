"""The login page for users with a second factor: the password alone logs nobody in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyotp

from bank import values
from tests.subgraphs.auth.client import PASSWORD
from tests.subgraphs.auth.oauth.browser import Flow, answer, claims

if TYPE_CHECKING:
    from tests.subgraphs.auth.oauth.browser import Running

BEGIN = "mutation { beginAuthenticatorApp { ... on AuthenticatorAppEnrolment { challenge secret } } }"
CONFIRM = """mutation ($input: ConfirmAuthenticatorAppInput!) { confirmAuthenticatorApp(input: $input)
  { ... on FactorEnrolled { recoveryCodes } } }"""


async def enrolled(bank: Running) -> tuple[str, list[str]]:
    """The code that the app of Ann shows next, and her recovery codes."""
    login = await bank.auth.mutate("login", email="ann@example.com", password=PASSWORD)
    client = bank.auth.bearing(login.ok()["login"]["accessToken"])
    begun: dict[str, Any] = (await client.execute(BEGIN)).ok()["beginAuthenticatorApp"]
    app = pyotp.TOTP(begun["secret"])
    given = {"challenge": begun["challenge"], "code": app.now()}
    confirmed = (await client.execute(CONFIRM, {"input": given})).ok()["confirmAuthenticatorApp"]
    return app.generate_otp(app.timecode(values.now()) + 1), confirmed["recoveryCodes"]


async def test_a_code_of_the_app_completes_the_login(bank: Running) -> None:
    code, _ = await enrolled(bank)
    client = await bank.add()
    flow, browser = Flow(client), bank.browser()
    page = await browser.sign_in(flow)
    assert ("Second step" in page.text, page.status_code) == (True, 200)
    assert 'name="password"' in (await browser.open(flow.url)).text
    wrong = await browser.submit(page, code="not a code")
    assert (wrong.status_code, "code is wrong" in wrong.text) == (400, True)
    consent = await browser.submit(await browser.sign_in(flow), code=f"{code[:3]} {code[3:]}")
    tokens = (await bank.exchange(flow, answer(await browser.submit(consent, decision="allow"))["code"])).json()
    assert claims(tokens["id_token"])["acr"] == claims(tokens["access_token"])["acr"] == "urn:bank:mfa"


async def test_a_recovery_code_completes_the_login_once(bank: Running) -> None:
    _, recovery_codes = await enrolled(bank)
    flow = Flow(await bank.add())
    page = await bank.browser().sign_in(flow)
    assert "Second step" in page.text
    first, second = bank.browser(), bank.browser()
    assert "Allow Shop" in (await first.submit(await first.sign_in(flow), code=recovery_codes[0])).text
    assert "code is wrong" in (await second.submit(await second.sign_in(flow), code=recovery_codes[0])).text


async def test_acr_values_ask_for_the_second_factor(bank: Running) -> None:
    """What a client does after the challenge of RFC 9470: an old login of a lower level does not suffice."""
    flow, browser = Flow(await bank.add()), bank.browser()
    await browser.consent(flow)
    code, _ = await enrolled(bank)
    strong = Flow(flow.client, parameters={"acr_values": "urn:bank:mfa urn:bank:passkey"})
    page = await browser.open(strong.url)
    assert "needs your second factor or a passkey" in page.text
    second = await browser.submit(page, email="ann@example.com", password=PASSWORD)
    sent = await browser.submit(second, code=code)
    found = answer(sent if sent.status_code == 303 else await browser.submit(sent, decision="allow"))
    tokens = (await bank.exchange(strong, found["code"])).json()
    assert claims(tokens["access_token"])["acr"] == "urn:bank:mfa"


async def test_a_login_that_cannot_meet_acr_values_is_an_error(bank: Running) -> None:
    flow, browser = Flow(await bank.add(), parameters={"acr_values": "urn:bank:passkey"}), bank.browser()
    found = answer(await browser.sign_in(flow))
    assert (found["error"], found["iss"]) == ("unmet_authentication_requirements", "http://auth.test")
    silent = Flow(flow.client, parameters={"acr_values": "urn:bank:passkey", "prompt": "none"})
    assert answer(await browser.open(silent.url))["error"] == "login_required"
