"""The pages of the links in mails, as a browser uses them.

Covers `subgraphs/auth/pages/account_pages.py`, `subgraphs/auth/pages/forms.py`,
`subgraphs/auth/pages/rendering.py` and `subgraphs/auth/pages/static_files.py`.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

import pytest

from subgraphs.auth.pages.static_files import STYLE
from tests.subgraphs.auth.client import PASSWORD
from tests.subgraphs.auth.mail.mailboxes import link_in
from tests.subgraphs.auth.recovery.conftest import PUBLIC_URL, Bank, bank

if TYPE_CHECKING:
    import httpx

__all__ = ["bank"]  # the fixture

NEW: Final = "seven purple elephants"
ANN: Final = "ann@example.com"
PAGES: Final = ("/account/reset", "/account/verify")


class Page(HTMLParser):
    """The forms of a page, and what an assistive technology needs."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.text = response.text
        self.action = ""
        self.fields: dict[str, str] = {}
        self.visible: set[str] = set()
        self.labelled: set[str] = set()
        self.headings: list[str] = []
        self.loaded: list[str] = []
        self.language = ""
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert not any(name.startswith("on") or name == "style" for name in given), "inline code"
        match tag:
            case "html":
                self.language = given["lang"]
            case "form":
                assert given["method"] == "post"
                self.action = given["action"]
            case "input":
                self.fields[given["name"]] = given.get("value", "")
                if given["type"] != "hidden":
                    self.visible.add(given["id"])
            case "label":
                self.labelled.add(given["for"])
            case "script" | "img" | "iframe":
                self.loaded.append(tag)
            case "link":
                self.loaded.append(given["href"])
            case "h1":
                self.headings.append(tag)


async def open_link(bank: Bank, number: int) -> Page:
    """The page of the link in the mail with this number."""
    await bank.inbox.until(number)
    link = link_in(bank.inbox.messages[number - 1])
    response = await bank.auth.client.http.get(link.removeprefix(PUBLIC_URL))
    assert response.status_code == 200, response.text
    return Page(response)


async def submit(bank: Bank, page: Page, *, site: str = "same-origin", **fields: str) -> httpx.Response:
    headers = {"sec-fetch-site": site} if site else {}
    return await bank.auth.client.http.post(page.action, data={**page.fields, **fields}, headers=headers)


async def request_reset(bank: Bank, email: str = ANN) -> httpx.Response:
    page = Page(await bank.auth.client.http.get("/account/reset"))
    return await submit(bank, page, email=email)


async def test_a_password_is_reset_in_a_browser(bank: Bank) -> None:
    await bank.sign_up()
    requested = await request_reset(bank)
    assert "Look into your mailbox" in requested.text
    page = await open_link(bank, 2)
    weak = await submit(bank, page, password="password")
    assert weak.status_code == 400
    assert 'role="alert"' in weak.text
    done = await submit(bank, Page(weak), password=NEW)
    assert done.status_code == 200
    assert "Your password was changed" in done.text
    assert (await bank.login(ANN, NEW))["__typename"] == "Session"
    again = await submit(bank, page, password=NEW)
    assert again.status_code == 410
    assert 'href="/account/reset"' in again.text


async def test_an_address_is_verified_in_a_browser_by_a_click_not_by_the_link_alone(bank: Bank) -> None:
    """Programs that check mails open every link."""
    session = await bank.sign_up()
    client = bank.auth.bearing(session["accessToken"])
    await open_link(bank, 1)
    page = await open_link(bank, 1)
    assert (await client.execute("{ me { emailVerified } }")).ok()["me"] == {"emailVerified": False}
    done = await submit(bank, page)
    assert "Your e-mail address is confirmed" in done.text
    assert (await client.execute("{ me { emailVerified } }")).ok()["me"] == {"emailVerified": True}
    assert (await submit(bank, page)).status_code == 410


async def test_the_response_to_a_request_is_the_same_for_users_and_strangers(bank: Bank) -> None:
    await bank.sign_up()
    user, stranger = await request_reset(bank), await request_reset(bank, "nobody@example.com")
    assert (user.status_code, user.text) == (stranger.status_code, stranger.text)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "http://evil.test"])
async def test_a_form_of_another_site_is_refused(bank: Bank, site: str) -> None:
    await bank.sign_up()
    page = await open_link(bank, 1)
    headers = {"origin": site} if site.startswith("http") else {"sec-fetch-site": site, "origin": PUBLIC_URL}
    refused = await bank.auth.client.http.post(page.action, data=page.fields, headers=headers)
    assert refused.status_code == 403
    own = await bank.auth.client.http.post(page.action, data=page.fields, headers={"origin": PUBLIC_URL})
    assert own.status_code == 200


async def test_every_page_is_usable_with_a_keyboard_and_a_screen_reader(bank: Bank) -> None:
    await bank.sign_up()
    await request_reset(bank)
    http = bank.auth.client.http
    pages = [await open_link(bank, 1), await open_link(bank, 2), Page(await http.get("/account/reset"))]
    pages += [Page(await http.get("/account/verify?token=x")), Page(await submit(bank, pages[2], email="nowhere"))]
    for page in pages:
        assert page.language == "en"
        assert len(page.headings) == 1
        assert page.visible <= page.labelled
        assert page.loaded == [STYLE.url]
    assert (await http.get(STYLE.url)).headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("token", ["", '"><script>alert(1)</script>', "x"])
async def test_a_page_is_closed_to_scripts_frames_caches_and_other_sites(bank: Bank, path: str, token: str) -> None:
    response = await bank.auth.client.http.get(path, params={"token": token} if token else {})
    policy = response.headers["content-security-policy"]
    assert re.match(r"default-src 'none'; style-src 'self';", policy)
    for directive in ("frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"):
        assert directive in policy
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "same-origin"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "<script" not in response.text


async def test_an_address_that_a_visitor_typed_is_escaped(bank: Bank) -> None:
    response = await request_reset(bank, '"><script>alert(1)</script>')
    assert response.status_code == 400
    assert "<script" not in response.text
    assert "&lt;script&gt;" in response.text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"email=a%40b.example&email=c%40d.example", "application/x-www-form-urlencoded"),
        (b"email=%ff", "application/x-www-form-urlencoded"),
        (b"\xff", "application/x-www-form-urlencoded"),
        (b"email=" + b"x" * 20_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"f%d=1" % number for number in range(50)), "application/x-www-form-urlencoded"),
        (b'{"email": "a@b.example"}', "application/json"),
        (b"", ""),
    ],
)
async def test_other_bodies_are_refused_with_a_page(bank: Bank, body: bytes, content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = await bank.auth.client.http.post("/account/reset", content=body, headers=headers)
    assert response.status_code == 400
    assert "This did not work" in response.text


async def test_too_many_requests_are_refused_with_a_page(bank: Bank) -> None:
    responses = [await request_reset(bank) for _ in range(6)]
    assert [response.status_code for response in responses] == [200] * 5 + [429]
    assert int(responses[-1].headers["retry-after"]) > 0


async def test_the_pages_answer_head_and_refuse_other_methods(bank: Bank) -> None:
    http = bank.auth.client.http
    for path in PAGES:
        assert (await http.put(path)).status_code == 405
    head = await http.head("/account/reset")
    assert (head.status_code, head.content) == (200, b"")


async def test_the_old_password_is_no_secret_of_the_page(bank: Bank) -> None:
    """A form that is shown again has neither the password nor the address of anybody in it."""
    await bank.sign_up()
    await request_reset(bank)
    again = await submit(bank, await open_link(bank, 2), password=PASSWORD[:7])
    assert again.status_code == 400
    assert PASSWORD[:7] not in again.text
    assert ANN not in again.text
