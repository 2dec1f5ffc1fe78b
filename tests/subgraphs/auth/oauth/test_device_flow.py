"""The device flow, as the device and the person with a browser see it.

Covers `subgraphs/auth/oauth/device_flow.py`, `subgraphs/auth/oauth/device_pages.py` and
`subgraphs/auth/oauth/login_page.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx

from bank.scopes import OFFLINE_ACCESS, OPENID, READ
from subgraphs.auth.oauth.clients import Client, GrantType
from subgraphs.auth.oauth.device_flow import DEVICE, device_of, user_code_digest, with_device
from subgraphs.auth.oauth.store import digest
from tests.forged_proofs import proof
from tests.subgraphs.auth.client import PASSWORD
from tests.subgraphs.auth.oauth.browser import SECRET, claims

if TYPE_CHECKING:
    from tests.subgraphs.auth.oauth.browser import Browser, Running

TYPES = frozenset({GrantType.DEVICE_CODE, GrantType.REFRESH_TOKEN})
SCOPE = f"{OPENID} {READ} {OFFLINE_ACCESS}"


async def television(bank: Running) -> Client:
    return await bank.add(name="Television", secret_digest=None, redirect_uris=(), grant_types=TYPES)


async def begin(bank: Running, client: Client) -> dict[str, Any]:
    response = await bank.http.post("/oauth/device_authorization", data={"client_id": client.id, "scope": SCOPE})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def ask(bank: Running, client: Client, device_code: str) -> httpx.Response:
    return await bank.token(client, {"grant_type": GrantType.DEVICE_CODE, "device_code": device_code})


async def no_wait(bank: Running, device_code: str) -> None:
    """Let the device ask again at once."""
    await bank.store.oauth.change_ticket(
        DEVICE, digest(device_code), lambda ticket: with_device(ticket, replace(device_of(ticket), asked_at=None))
    )


async def open_device_page(browser: Browser, code: str) -> httpx.Response:
    """The page that asks for the code, after the login."""
    login = await browser.open(f"/oauth/device?user_code={code}")
    return await browser.submit(login, email="ann@example.com", password=PASSWORD)


async def test_a_device_gets_tokens_when_its_user_has_consented(bank: Running) -> None:
    client, browser = await television(bank), bank.browser()
    begun = await begin(bank, client)
    assert begun["verification_uri"] == "http://auth.test/oauth/device"
    assert (begun["interval"], begun["expires_in"], len(begun["user_code"])) == (5, 600, 9)
    assert (await ask(bank, client, begun["device_code"])).json()["error"] == "authorization_pending"
    page = await open_device_page(browser, begun["user_code"])
    assert begun["user_code"] in page.text
    typed = begun["user_code"].lower().replace("-", " ")
    consent = await browser.submit(page, user_code=typed)
    assert "Allow Television?" in consent.text
    assert all('<a href="/oauth/logout">Sign out</a>' in each.text for each in (page, consent))
    assert "The access ends after 30 days, or if it is not used for 7 days." in consent.text
    done = await browser.submit(consent, decision="allow")
    assert "connected" in done.text
    tokens = (await ask(bank, client, begun["device_code"])).json()
    assert claims(tokens["id_token"])["aud"] == client.id
    assert set(tokens["scope"].split()) == set(SCOPE.split())
    assert (await ask(bank, client, begun["device_code"])).json()["error"] == "invalid_grant"
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await bank.token(client, form)).status_code == 200
    used = await browser.submit(page, user_code=typed)
    assert "No device shows this code" in used.text


async def test_refresh_tokens_of_a_device_with_a_key_belong_to_the_key(bank: Running) -> None:
    client, browser = await television(bank), bank.browser()
    begun = await begin(bank, client)
    page = await open_device_page(browser, begun["user_code"])
    await browser.submit(await browser.submit(page, user_code=begun["user_code"]), decision="allow")

    def of_key(signer: str, algorithm: str) -> dict[str, str]:
        return {"dpop": proof(signer=signer, algorithm=algorithm, htu="http://auth.test/oauth/token", ath=None)}

    form = {"grant_type": GrantType.DEVICE_CODE, "device_code": begun["device_code"]}
    tokens = (await bank.token(client, form, of_key("other", "ES256"))).json()
    assert tokens["token_type"] == "DPoP"
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    for headers in (None, of_key("ed", "EdDSA")):
        assert (await bank.token(client, form, headers)).json()["error"] == "invalid_grant"
    assert (await bank.token(client, form, of_key("other", "ES256"))).json()["token_type"] == "DPoP"


async def test_a_device_learns_that_its_user_has_denied(bank: Running) -> None:
    client, browser = await television(bank), bank.browser()
    begun = await begin(bank, client)
    page = await open_device_page(browser, begun["user_code"])
    consent = await browser.submit(page, user_code=begun["user_code"])
    await browser.submit(consent, decision="deny")
    assert (await ask(bank, client, begun["device_code"])).json()["error"] == "access_denied"
    again = await browser.submit(consent, decision="allow")
    assert again.status_code == 400


async def test_a_device_that_asks_too_often_must_slow_down(bank: Running) -> None:
    client = await television(bank)
    begun = await begin(bank, client)
    errors = [(await ask(bank, client, begun["device_code"])).json()["error"] for _ in range(3)]
    assert errors == ["authorization_pending", "slow_down", "slow_down"]
    ticket = await bank.store.oauth.ticket(DEVICE, digest(begun["device_code"]))
    assert ticket is not None
    assert device_of(ticket).interval == 15
    await no_wait(bank, begun["device_code"])
    assert (await ask(bank, client, begun["device_code"])).json()["error"] == "authorization_pending"


async def test_device_codes_of_others_and_old_ones(bank: Running) -> None:
    client, other = await television(bank), await television(bank)
    begun = await begin(bank, client)
    assert (await ask(bank, other, begun["device_code"])).json()["error"] == "invalid_grant"
    assert (await ask(bank, client, "x")).json()["error"] == "invalid_grant"
    await bank.store.oauth.change_ticket(
        DEVICE, digest(begun["device_code"]), lambda ticket: replace(ticket, expires_at=client.created_at)
    )
    assert (await ask(bank, client, begun["device_code"])).json()["error"] == "expired_token"
    browser = bank.browser()
    page = await open_device_page(browser, begun["user_code"])
    assert "No device shows this code" in (await browser.submit(page, user_code=begun["user_code"])).text


async def test_a_client_without_the_flow_may_not_begin_it(bank: Running) -> None:
    client = await bank.add(grant_types=frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}))
    response = await bank.http.post("/oauth/device_authorization", data={}, auth=httpx.BasicAuth(client.id, SECRET))
    assert response.status_code in {400, 415}
    asked = await bank.http.post(
        "/oauth/device_authorization", data={"scope": OPENID}, auth=httpx.BasicAuth(client.id, SECRET)
    )
    assert asked.json()["error"] == "unauthorized_client"


async def test_guessing_user_codes_is_limited(bank: Running) -> None:
    browser = bank.browser()
    page = await open_device_page(browser, "")
    answers = [(await browser.submit(page, user_code=f"BBBB-BBB{letter}")).status_code for letter in "BCDFGHJKLMN"]
    assert answers == [400] * 10 + [429]
    client = await television(bank)
    begun = await begin(bank, client)
    assert (await browser.submit(page, user_code=begun["user_code"])).status_code == 429


async def test_the_form_of_another_site_connects_no_device(bank: Running) -> None:
    client, browser = await television(bank), bank.browser()
    begun = await begin(bank, client)
    await open_device_page(browser, "")
    response = await browser.http.post(
        "/oauth/device", data={"user_code": begun["user_code"], "decision": "allow", "form_token": "0" * 64}
    )
    assert response.status_code == 403
    assert (await ask(bank, client, begun["device_code"])).json()["error"] == "authorization_pending"


def test_spelling_of_user_codes() -> None:
    assert user_code_digest("bcdf-ghjk") == user_code_digest("BCDF GHJK") == user_code_digest("BCDFGHJK")
    assert user_code_digest("BCDFGHJL") != user_code_digest("BCDFGHJK")
