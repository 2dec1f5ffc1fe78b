"""Logout that a client begins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.subgraphs.auth.oauth.browser import Flow, answer

if TYPE_CHECKING:
    from subgraphs.auth.oauth.clients import Client
    from tests.subgraphs.auth.oauth.browser import Browser, Running

GOODBYE = "https://shop.example/goodbye"


async def logged_in(bank: Running) -> tuple[Client, Browser, dict[str, str]]:
    """A client, and a browser that has given it tokens."""
    client = await bank.add(post_logout_redirect_uris=(GOODBYE,))
    flow, browser = Flow(client), bank.browser()
    return client, browser, (await bank.exchange(flow, (await browser.consent(flow))["code"])).json()


def url(**query: str) -> str:
    return f"/oauth/logout?{urlencode(query)}"


async def is_logged_in(client: Client, browser: Browser) -> bool:
    silent = await browser.open(Flow(client, parameters={"prompt": "none"}).url)
    return answer(silent).get("error") != "login_required"


async def test_an_id_token_of_the_browser_logs_it_out_without_a_question(bank: Running) -> None:
    client, browser, tokens = await logged_in(bank)
    hint = tokens["id_token"]
    response = await browser.open(url(id_token_hint=hint, post_logout_redirect_uri=GOODBYE, state="x&y"))
    assert (response.status_code, response.headers["location"]) == (303, f"{GOODBYE}?state=x%26y")
    assert not await is_logged_in(client, browser)
    assert (await bank.auth.bearing(tokens["access_token"]).execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]


async def test_without_an_id_token_the_user_is_asked(bank: Running) -> None:
    client, browser, _ = await logged_in(bank)
    page = await browser.open(url(client_id=client.id, post_logout_redirect_uri=GOODBYE))
    assert "Sign out of the bank?" in page.text
    assert await is_logged_in(client, browser)
    stranger = await bank.browser().http.post("/oauth/logout", data={"form_token": "x"})
    assert stranger.status_code == 200
    assert await is_logged_in(client, browser)
    done = await browser.submit(page)
    assert done.headers["location"] == GOODBYE
    assert not await is_logged_in(client, browser)


async def test_the_page_that_asks_for_consent_leads_to_the_logout(bank: Running) -> None:
    client, browser = await bank.add(), bank.browser()
    consent = await browser.sign_in(Flow(client))
    link = re.search(r'<a href="([^"]*)">Sign out</a>', consent.text)
    assert link is not None
    await browser.submit(await browser.open(link[1]))
    assert not await is_logged_in(client, browser)


async def test_the_id_token_of_another_browser_does_not_log_this_one_out(bank: Running) -> None:
    client, browser, _ = await logged_in(bank)
    _, _, others = await logged_in(bank)
    page = await browser.open(url(id_token_hint=others["id_token"]))
    assert "Sign out of the bank?" in page.text
    assert await is_logged_in(client, browser)


async def test_the_form_of_another_site_does_not_log_out(bank: Running) -> None:
    client, browser, tokens = await logged_in(bank)
    response = await browser.http.post("/oauth/logout", data={"client_id": client.id})
    assert response.headers["location"] == f"/oauth/logout?client_id={client.id}"
    assert await is_logged_in(client, browser)
    forged = await browser.http.post("/oauth/logout", data={"form_token": "0" * 64})
    assert "Sign out of the bank?" in forged.text
    assert await is_logged_in(client, browser)
    assert tokens["access_token"]


async def test_no_return_to_an_address_that_is_not_registered(bank: Running) -> None:
    client, browser, tokens = await logged_in(bank)
    hint = tokens["id_token"]
    other = await bank.add()
    for query in (
        {"id_token_hint": hint, "post_logout_redirect_uri": "https://evil.example/"},
        {"post_logout_redirect_uri": GOODBYE},
        {"client_id": other.id, "post_logout_redirect_uri": GOODBYE},
        {"id_token_hint": hint, "client_id": other.id},
        {"id_token_hint": tokens["access_token"]},
        {"id_token_hint": "x"},
        {"id_token_hint": f"{hint[:-4]}AAAA"},
    ):
        response = await browser.open(url(**query))
        assert (response.status_code, "location" in response.headers) == (400, False), query
    assert await is_logged_in(client, browser)
