"""Logins with passkeys on the pages, with the answers that `subgraphs/auth/pages/passkeys.js` sends for a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from servicekit.settings import load
from subgraphs.auth.oauth.passkey_pages import PasskeyPages
from subgraphs.auth.second_factor.settings import relying_party
from subgraphs.auth.settings import AuthSettings
from tests.subgraphs.auth.client import PASSWORD
from tests.subgraphs.auth.oauth.browser import Flow, answer, claims
from tests.subgraphs.auth.second_factor.authenticator import Authenticator

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.subgraphs.auth.oauth.browser import Running

BEGIN = "mutation { beginPasskey { ... on PasskeyEnrolment { challenge options } } }"
ADD = "mutation ($input: AddPasskeyInput!) { addPasskey(input: $input) { ... on FactorEnrolled { recoveryCodes } } }"


@pytest.fixture
def settings(tmp_path: Path) -> AuthSettings:
    environ = {
        "MOSAFE_ENV": "development",
        "MOSAFE_DATA_DIR": str(tmp_path),
        "AUTH_ISSUER": "http://127.0.0.1:3001",
        "SUBGRAPH_SIGNATURES": "off",
    }
    return load(AuthSettings, environ)


async def enrolled(bank: Running) -> tuple[Authenticator, list[str]]:
    """The device with the new passkey of Ann, and her recovery codes."""
    device = Authenticator()
    login = await bank.auth.mutate("login", email="ann@example.com", password=PASSWORD)
    client = bank.auth.bearing(login.ok()["login"]["accessToken"])
    begun: dict[str, Any] = (await client.execute(BEGIN)).ok()["beginPasskey"]
    given = {"challenge": begun["challenge"], "response": device.create(begun["options"]), "name": "Phone"}
    added = (await client.execute(ADD, {"input": given})).ok()["addPasskey"]
    return device, added["recoveryCodes"]


def options(page: httpx.Response) -> str:
    """What the page tells its script to ask the device for."""
    found = re.search(r'data-passkey-action="get" data-passkey-options="([^"]*)"', page.text)
    assert found is not None, page.text
    return unescape(found[1])


async def test_password_and_passkey_log_in(bank: Running) -> None:
    device, recovery_codes = await enrolled(bank)
    flow, browser = Flow(await bank.add()), bank.browser()
    page = await browser.sign_in(flow)
    assert "Second step" in page.text
    forged = await browser.submit(page, assertion=Authenticator(credential_id=device.credential_id).get(options(page)))
    assert (forged.status_code, "it could not be checked" in forged.text) == (400, True)
    consent = await browser.submit(forged, assertion=device.get(options(forged)))
    tokens = (await bank.exchange(flow, answer(await browser.submit(consent, decision="allow"))["code"])).json()
    assert claims(tokens["id_token"])["acr"] == "urn:bank:passkey"
    assert set(claims(tokens["id_token"])["amr"]) == {"pwd", "pop", "mfa"}
    other = bank.browser()
    assert "code" in answer(await other.submit(await other.sign_in(flow), code=recovery_codes[0]))


async def test_a_passkey_alone_logs_in(bank: Running) -> None:
    device, _ = await enrolled(bank)
    flow, browser = Flow(await bank.add()), bank.browser()
    page = await browser.submit(await browser.open(flow.url), step="passkey")
    assert "data-passkey-start" in page.text
    consent = await browser.submit(page, assertion=device.get(options(page)))
    assert "ann@example.com" in consent.text
    tokens = (await bank.exchange(flow, answer(await browser.submit(consent, decision="allow"))["code"])).json()
    assert claims(tokens["id_token"])["amr"] == ["mfa", "pop"]
    again = await bank.browser().submit(page, assertion=device.get(options(page)))
    assert (again.status_code, "allow" in again.text.lower()) == (403, False)


@pytest.mark.parametrize("origin", ["http://127.0.0.1:3001", "https://evil.example"])
async def test_a_passkey_for_another_page_logs_nobody_in(bank: Running, origin: str) -> None:
    device, _ = await enrolled(bank)
    device.origin = origin
    flow, browser = Flow(await bank.add()), bank.browser()
    page = await browser.submit(await browser.open(flow.url), step="passkey")
    refused = await browser.submit(page, assertion=device.get(options(page)))
    assert (refused.status_code, 'name="password"' in refused.text) == (400, True)
    used = await browser.submit(page, assertion=device.get(options(page)))
    assert used.status_code == 400


async def test_a_second_step_ends_after_five_attempts(bank: Running) -> None:
    _, recovery_codes = await enrolled(bank)
    browser = bank.browser()
    page = await browser.sign_in(Flow(await bank.add()))
    for _ in range(5):
        page = await browser.submit(page, code="no code")
        assert "Second step" in page.text
    ended = await browser.submit(page, code=recovery_codes[0])
    assert (ended.status_code, "too many attempts" in ended.text) == (400, True)


async def test_the_only_script_is_the_banks_own(bank: Running) -> None:
    flow, browser = Flow(await bank.add()), bank.browser()
    nonces = set()
    for _ in range(2):
        page = await browser.open(flow.url)
        (tag,) = re.findall(r"<script[^>]*>", page.text)
        found = re.fullmatch(r'<script src="([^"]*)" integrity="([^"]*)" nonce="([^"]*)" defer>', tag)
        assert found is not None
        url, integrity, nonce = (unescape(each) for each in found.groups())
        policy = page.headers["content-security-policy"]
        assert f"default-src 'none'; style-src 'self'; script-src 'nonce-{nonce}';" in policy
        assert ("unsafe" in policy, "connect-src" in policy) == (False, False)
        script = await browser.http.get(url)
        digest = base64.b64encode(hashlib.sha384(script.content).digest()).decode()
        assert (script.headers["content-type"], integrity) == ("text/javascript; charset=utf-8", f"sha384-{digest}")
        nonces.add(nonce)
    assert len(nonces) == 2
    consent = await browser.sign_in(flow)
    assert ("<script" in consent.text, "script" in consent.headers["content-security-policy"]) == (False, False)


async def test_a_page_at_an_address_leads_to_the_domain_of_passkeys(bank: Running) -> None:
    flow = Flow(await bank.add())
    page = await bank.browser().open(flow.url)
    assert 'data-passkey-origins="http://localhost:3001 ' in page.text
    (link,) = re.findall(r'<a href="(http://localhost:3001[^"]*)">Use a passkey</a>', page.text)
    assert urlsplit(unescape(link)).path == "/oauth/login"


@pytest.mark.parametrize(
    ("public_url", "issuer", "expected"),
    [
        ("https://bank.example", "https://bank.example", PasskeyPages(("https://bank.example",))),
        ("http://10.0.0.1:3001", "http://10.0.0.1:3001", None),
        (
            "http://127.0.0.1:3001",
            "http://127.0.0.1:3001",
            PasskeyPages(
                ("http://localhost:3001", "http://localhost:8000", "http://localhost:4000"), "http://localhost:3001"
            ),
        ),
        ("https://bank.example", "http://127.0.0.1:3001", PasskeyPages(("https://bank.example",))),
    ],
)
def test_where_passkeys_work(public_url: str, issuer: str, expected: PasskeyPages | None) -> None:
    assert PasskeyPages.of(relying_party(public_url, ()), issuer) == expected
