"""The page with second factors."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pyotp
import pytest

from bank import values
from tests.subgraphs.auth.account.test_session_page import grow_old, signed_in
from tests.subgraphs.auth.client import PASSWORD
from tests.subgraphs.auth.second_factor.authenticator import Authenticator

if TYPE_CHECKING:
    import httpx

    from tests.subgraphs.auth.oauth.browser import Browser, Running

PAGE = "/account/factors"
CODE = r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){5}"


def secret(page: httpx.Response) -> pyotp.TOTP:
    (found,) = re.findall(r'name="secret" value="([A-Z2-7]{32})"', page.text)
    return pyotp.TOTP(found)


async def with_app(browser: Browser, page: httpx.Response) -> tuple[pyotp.TOTP, list[str]]:
    """Add an authenticator app on the page; return it with the recovery codes."""
    shown = await browser.submit(page, step="begin app")
    app = secret(shown)
    added = await browser.submit(shown, step="confirm app", code=app.now())
    return app, re.findall(CODE, added.text)


async def test_an_app_is_added_used_and_removed(bank: Running) -> None:
    browser, page = await signed_in(bank, PAGE)
    shown = await browser.submit(page, step="begin app")
    assert "<svg" in shown.text
    assert "style=" not in shown.text
    wrong = await browser.submit(shown, step="confirm app", code="000000")
    assert (wrong.status_code, "The code is wrong" in wrong.text) == (400, True)
    assert secret(wrong).secret == secret(shown).secret
    app, codes = await with_app(browser, page)
    assert len(codes) == 10
    other = bank.browser()
    second = await other.submit(await other.open(PAGE), email="ann@example.com", password=PASSWORD)
    assert "Second step" in second.text
    entered = await other.submit(second, code=app.generate_otp(app.timecode(values.now()) + 1))
    assert "You have 10 recovery codes" in entered.text
    renewed = re.findall(CODE, (await other.submit(entered, step="renew codes")).text)
    assert (len(renewed), set(renewed) & set(codes)) == (10, set())
    removed = await browser.submit(await browser.open(PAGE), step="remove app")
    assert "The authenticator app was removed." in removed.text
    assert (await bank.auth.mutate("login", email="ann@example.com", password=PASSWORD)).ok()["login"]["accessToken"]


async def test_a_passkey_is_added_and_removed(bank: Running) -> None:
    browser, page = await signed_in(bank, PAGE)
    shown = await browser.submit(page, step="begin passkey")
    options = re.findall(r'data-passkey-action="create" data-passkey-options="([^"]*)"', shown.text)
    assert "script-src 'nonce-" in shown.headers["content-security-policy"]
    device = Authenticator()
    added = await browser.submit(shown, assertion=device.create(unescape(options[0])), name="Ann's <phone>")
    assert len(re.findall(CODE, added.text)) == 10
    listed = await browser.open(PAGE)
    assert "Ann&#39;s &lt;phone&gt;" in listed.text
    again = await browser.submit(shown, assertion=device.create(unescape(options[0])), name="Phone")
    assert (again.status_code, "begin again" in again.text) == (400, True)
    assert "no such second factor" in (await browser.submit(listed, step="remove passkey", id="AAAA")).text
    assert "no such second factor" in (await browser.submit(listed, step="remove passkey", id="~")).text
    removed = await browser.submit(listed, step="remove passkey", id=device.id)
    assert ("The passkey was removed." in removed.text, "&lt;phone&gt;" in removed.text) == (True, False)


@pytest.mark.parametrize("step", ["begin app", "confirm app", "remove app", "begin passkey", "renew codes"])
async def test_a_change_needs_a_recent_login(bank: Running, step: str) -> None:
    browser, page = await signed_in(bank, PAGE)
    await with_app(browser, page)
    await grow_old(bank, browser)
    page = await browser.submit(await browser.open(PAGE), step=step)
    assert ("login of the last minutes" in page.text, page.url.path) == (True, "/account/login")
    assert "page=factors" in str(page.url)
