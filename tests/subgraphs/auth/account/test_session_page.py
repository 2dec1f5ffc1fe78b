"""The page with sessions and applications.

Covers `subgraphs/auth/account/signed_in_pages.py`, `subgraphs/auth/account/session_page.py` and
`subgraphs/auth/account/routes.py`, with `subgraphs/auth/displayed_times.py`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bank import values
from subgraphs.auth.authentication import Authentication
from tests.subgraphs.auth.client import PASSWORD
from tests.subgraphs.auth.oauth.browser import Flow, answer

if TYPE_CHECKING:
    import httpx

    from tests.subgraphs.auth.oauth.browser import Browser, Running

PAGE = "/account/sessions"


async def signed_in(bank: Running, path: str = PAGE) -> tuple[Browser, httpx.Response]:
    browser = bank.browser()
    return browser, await browser.submit(await browser.open(path), email="ann@example.com", password=PASSWORD)


def sessions(page: httpx.Response) -> list[str]:
    """The ids of the sessions that the page can end."""
    return re.findall(r'name="end" value="([^"]*)"', page.text)


async def grow_old(bank: Running, browser: Browser) -> None:
    """Let the login of a browser be eleven minutes old."""
    (session_id,) = re.findall(
        r'id="session-(\w+)">[^<]*<span class="tag">this browser', (await browser.open(PAGE)).text
    )
    then = values.now() - timedelta(minutes=11)
    assert await bank.store.renew_authentication(session_id, Authentication.by_password(then), values.now())


async def test_sessions_show_what_they_may_do_and_end_one_by_one(bank: Running) -> None:
    tokens = await bank.tokens(await bank.add(), scope="openid offline_access bank:read")
    browser, page = await signed_in(bank)
    assert (page.status_code, len(sessions(page))) == (200, 4)  # registration, two browsers, the application
    assert page.text.count("this browser") == 1
    assert "Know that it is you · See your accounts, balances and transactions · Keep this access" in page.text
    (application,) = re.findall(r'<h3 id="session-(\w+)">Shop &amp; Co', page.text)
    ended = await browser.submit(page, end=application)
    assert ("The session has ended." in ended.text, len(sessions(ended))) == (True, 3)
    assert (await bank.auth.bearing(tokens["access_token"]).execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]
    assert "no such session" in (await browser.submit(page, end=application)).text
    others = await browser.submit(page, others="1")
    assert ("All other sessions have ended." in others.text, len(sessions(others))) == (True, 1)
    out = await browser.submit(others, end=sessions(others)[0])
    assert "signed out" in out.text
    assert 'name="password"' in (await browser.open(PAGE)).text


async def test_removing_an_application_withdraws_tokens_and_consent(bank: Running) -> None:
    shop, other = await bank.add(), await bank.add(name="Other")
    browser, _ = await signed_in(bank)
    refresh_tokens = {}
    for client in (shop, shop, other):
        flow = Flow(client)
        shown = await browser.open(flow.url)
        sent = shown if shown.status_code == 303 else await browser.submit(shown, decision="allow")
        refresh_tokens[client.id] = (await bank.exchange(flow, answer(sent)["code"])).json()["refresh_token"]
    page = await browser.open(PAGE)
    assert page.text.count("Remove access") == 2
    removed = await browser.submit(page, application=shop.id)
    assert ("has no access any more" in removed.text, removed.text.count("Remove access")) == (True, 1)
    for client, status in ((shop, 400), (other, 200)):
        form = {"grant_type": "refresh_token", "refresh_token": refresh_tokens[client.id]}
        assert (await bank.token(client, form)).status_code == status
    assert "Allow Shop" in (await browser.open(Flow(shop).url)).text
    assert "no such session" in (await browser.submit(page, application="0" * 32)).text


async def test_a_consent_is_narrowed(bank: Running) -> None:
    shop = await bank.add()
    browser, _ = await signed_in(bank)
    flow = Flow(shop, parameters={"scope": "openid offline_access bank:read bank:payments"})
    shown = await browser.submit(await browser.open(flow.url), decision="allow")
    tokens = (await bank.exchange(flow, answer(shown)["code"])).json()
    page = await browser.open(PAGE)
    offered = re.findall(r'<input type="checkbox" name="keep-([^"]*)" value="1" checked>', page.text)
    assert offered == ["openid", "bank:read", "bank:payments"]
    assert "It keeps this access while you are not there." in page.text
    narrowed = await browser.submit(page, narrow=shop.id, **{"keep-openid": "1", "keep-bank:read": "1"})
    assert "may do less from now on" in narrowed.text
    assert "keep-bank:payments" not in narrowed.text
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    wider = await bank.token(shop, {**form, "scope": "bank:payments"})
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    following = (await bank.token(shop, form)).json()
    assert following["scope"] == "bank:read offline_access openid"
    # The application may not widen its access without the user.
    assert "Allow Shop" in (await browser.open(flow.url)).text
    remembered = Flow(shop, parameters={"scope": "openid bank:read"})
    assert (await browser.open(remembered.url)).status_code == 303
    # A form cannot add anything, and what is left ends if nothing is kept.
    await browser.submit(page, narrow=shop.id, **{"keep-bank:payments": "1", "keep-openid": "1"})
    assert "keep-bank:payments" not in (await browser.open(PAGE)).text
    ended = await browser.submit(page, narrow=shop.id)
    assert ("has no access any more" in ended.text, "Remove access" in ended.text) == (True, False)
    again = {**form, "refresh_token": following["refresh_token"]}
    assert (await bank.token(shop, again)).json()["error"] == "invalid_grant"
    assert "no such session" in (await browser.submit(page, narrow=shop.id)).text


async def test_only_a_recent_login_of_the_user_narrows_a_consent(bank: Running) -> None:
    shop = await bank.add()
    await bank.tokens(shop, scope="openid bank:read")
    browser, page = await signed_in(bank)
    await bank.auth.sign_up("Bob")
    eve = bank.browser()
    of_eve = await eve.submit(await eve.open(PAGE), email="bob@example.com", password=PASSWORD)
    assert "no such session" in (await eve.submit(of_eve, narrow=shop.id)).text
    assert (await browser.http.post(PAGE, data={"narrow": shop.id})).status_code == 403
    await grow_old(bank, browser)
    assert "login of the last minutes" in (await browser.submit(page, narrow=shop.id)).text
    assert "keep-bank:read" in (await browser.open(PAGE)).text


async def test_sessions_of_others_and_forms_of_other_sites_do_nothing(bank: Running) -> None:
    await bank.auth.sign_up("Bob")
    eve = bank.browser()
    page = await eve.submit(await eve.open(PAGE), email="bob@example.com", password=PASSWORD)
    browser, own = await signed_in(bank)
    for session in sessions(own):
        assert "no such session" in (await eve.submit(page, end=session)).text
    assert sessions(await browser.open(PAGE)) == sessions(own)
    for form in ({"others": "1"}, {"others": "1", "form_token": "0" * 64}):
        assert (await browser.http.post(PAGE, data=form)).status_code == 403
    assert sessions(await browser.open(PAGE)) == sessions(own)


async def test_an_old_login_sees_sessions_but_ends_none(bank: Running) -> None:
    browser, page = await signed_in(bank)
    await grow_old(bank, browser)
    asked = await browser.submit(page, others="1")
    assert "login of the last minutes" in asked.text
    assert sessions(await browser.open(PAGE)) == sessions(page)
    again = await browser.submit(asked, email="ann@example.com", password=PASSWORD)
    assert "All other sessions have ended." in (await browser.submit(again, others="1")).text


@pytest.mark.parametrize("query", ["page=https://evil.example", "page=//evil.example", "page=", "back=//evil.example"])
async def test_the_login_leads_to_pages_of_the_account_only(bank: Running, query: str) -> None:
    browser = bank.browser()
    page = await browser.open(f"/account/login?{query}")
    assert "evil" not in page.text
    shown = await browser.submit(page, email="ann@example.com", password=PASSWORD)
    assert (shown.status_code, shown.url.path) == (200, PAGE)
