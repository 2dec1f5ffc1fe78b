"""The pages of the authorization server and of the user's account in Chromium, with a virtual authenticator.

`look` checks each page as it is shown, and leaves a screenshot in the test's temporary directory.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pyotp
import pytest

from bank import values
from tests.browser.conftest import SCHEMES
from tests.browser.visit import OVERFLOW, Visit, violations
from tests.interop.authorization_server import authorization_server, created
from tests.subgraphs.auth.oauth.browser import challenge_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZES = ((1280, 800), (360, 780))
SHOP = "https://shop.example"
PASSWORD = "correct horse battery"
NEW_PASSWORD = "seven purple elephants"
REGISTER = "mutation ($input: RegisterInput!) { register(input: $input) { __typename } }"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass(frozen=True)
class Server:
    """A running auth service with an application; `url` is the page of its passkeys."""

    address: str
    folder: Path
    client_id: str
    secret: str

    @property
    def url(self) -> str:
        return self.address.replace("127.0.0.1", "localhost")

    def register(self) -> Person:
        person = Person(self, f"{secrets.token_hex(6)}@example.com")
        given = {"email": person.email, "password": PASSWORD, "name": "Ann"}
        response = httpx.post(
            f"{self.address}/graphql", json={"query": REGISTER, "variables": {"input": given}}, timeout=30
        )
        assert response.json() == {"data": {"register": {"__typename": "Session"}}}
        return person

    def post(self, path: str, **form: str) -> dict[str, Any]:
        """The response to the application."""
        response = httpx.post(f"{self.address}{path}", data=form, auth=(self.client_id, self.secret), timeout=30)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found


@dataclass
class Person:
    """A person and what they see in their browser."""

    server: Server
    email: str
    app: pyotp.TOTP = field(default_factory=lambda: pyotp.TOTP(pyotp.random_base32()))
    recovery_codes: list[str] = field(default_factory=list)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def authorize_url(self, **given: str) -> str:
        query = {
            "response_type": "code",
            "client_id": self.server.client_id,
            "redirect_uri": f"{SHOP}/callback",
            "scope": "openid profile email offline_access bank:read",
            "state": "s" * 8,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **given,
        }
        return f"{self.server.url}/oauth/authorize?{urlencode(query)}"

    def give_password(self, page: Any, password: str = PASSWORD) -> None:
        page.fill("#email", self.email)
        page.fill("#password", password)
        page.click("button:text-is('Sign in')")

    def add_app(self, page: Any) -> None:
        """Type the key of the page into the app, and its code into the page."""
        self.app = pyotp.TOTP(page.inner_text(".key").replace(" ", ""))
        page.fill("#code", self.app.now())
        page.click("button:text-is('Add the app')")
        self.recovery_codes = page.locator(".codes li").all_inner_texts()

    def next_code(self) -> str:
        """The code after the one of the enrolment, which is used up."""
        return self.app.generate_otp(self.app.timecode(values.now()) + 1)


@pytest.fixture(scope="session")
def server(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    assert chromium
    folder = tmp_path_factory.mktemp("auth")
    with authorization_server(folder) as (address, environ):
        yield Server(address, folder, *created(environ, f"{SHOP}/callback", "Corner Shop"))


@pytest.fixture(
    params=[(scheme, size) for scheme in SCHEMES for size in SIZES], ids=lambda each: f"{each[0]}-{each[1][0]}"
)
def browser(request: pytest.FixtureRequest, chromium: Any) -> Iterator[Any]:
    scheme, (width, height) = request.param
    yield from _context(chromium, color_scheme=scheme, viewport={"width": width, "height": height})


@pytest.fixture
def plain(chromium: Any) -> Iterator[Any]:
    """A browser whose colours and size do not matter."""
    yield from _context(chromium)


def _context(chromium: Any, **options: Any) -> Iterator[Any]:
    context = chromium.new_context(**options)
    context.set_default_timeout(20_000)
    context.route(
        f"{SHOP}/**", lambda route: route.fulfill(status=200, body="<title>Shop</title>", content_type="text/html")
    )
    yield context
    context.close()


class Look:
    """Looks at pages: axe-core, the width, and a screenshot of each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, page: Any, name: str) -> None:
        page.screenshot(path=self._folder / f"{name}.png", full_page=True)
        assert violations(page) == [], name
        assert page.evaluate(OVERFLOW) <= 0, name
        assert len(page.locator("h1").all()) == 1, name


@pytest.fixture
def look(tmp_path: Path) -> Look:
    return Look(tmp_path)


def faults(visit: Visit) -> list[str]:
    """What went wrong, without the pages that say so by their status, and the page of the application."""
    return [each for each in visit.problems if "status of 4" not in each and f"request to {SHOP}" not in each]


def answer(page: Any) -> dict[str, str]:
    page.wait_for_url(f"{SHOP}/callback?*")
    return dict(parse_qsl(urlsplit(page.url).query))


def test_an_authenticator_app_from_its_enrolment_to_the_tokens(browser: Any, server: Server, look: Look) -> None:
    ann = server.register()
    visit = Visit(browser, f"{server.url}/account/factors")
    page = visit.page
    look(page, "sign-in")
    ann.give_password(page, "wrong horse")
    page.get_by_role("alert").wait_for()
    look(page, "wrong-password")
    ann.give_password(page)
    look(page, "no-factors")
    page.click("text=Add an app")
    look(page, "add-app")
    ann.add_app(page)
    assert len(ann.recovery_codes) == 10
    look(page, "recovery-codes")
    page.click("text=I have kept the codes")
    look(page, "factors")
    page.goto(ann.authorize_url(prompt="login"))
    ann.give_password(page)
    page.fill("#code", "000000")
    page.click("button:text-is('Sign in')")
    page.get_by_role("alert").wait_for()
    look(page, "second-step")
    page.fill("#code", ann.next_code())
    page.click("button:text-is('Sign in')")
    look(page, "consent")
    page.click("button:text-is('Allow')")
    found = answer(page)
    assert (found["iss"], found["state"]) == (server.address, "s" * 8)
    code = {"code": found["code"], "code_verifier": ann.verifier}
    tokens = server.post("/oauth/token", grant_type="authorization_code", redirect_uri=f"{SHOP}/callback", **code)
    assert tokens["scope"] == "bank:read email offline_access openid profile"
    page.goto(f"{server.url}/account/sessions")
    look(page, "sessions")
    page.get_by_label("See your e-mail address").uncheck()
    page.click("text=Allow only what is ticked")
    page.get_by_role("status").wait_for()
    look(page, "application-narrowed")
    assert page.get_by_label("See your e-mail address").count() == 0
    page.click("text=Remove access")
    page.get_by_role("status").wait_for()
    look(page, "application-removed")
    assert server.post("/oauth/introspect", token=tokens["access_token"]) == {"active": False}
    page.click("text=Sign out")
    look(page, "sign-out")
    page.click("button:text-is('Sign out')")
    look(page, "signed-out")
    assert faults(visit) == []


def test_passkeys_from_their_enrolment_to_logins_without_a_password(browser: Any, server: Server, look: Look) -> None:
    ann = server.register()
    visit = Visit(browser, f"{server.url}/account/factors")
    page = visit.page
    devices = browser.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    device = devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]
    ann.give_password(page)
    page.click("text=Add a passkey")
    look(page, "add-passkey")
    page.click("text=Add the passkey")
    page.locator(".codes").wait_for()
    page.click("text=I have kept the codes")
    look(page, "passkeys")
    assert page.inner_text(".cards h3") == "Chrome on Linux"
    page.goto(ann.authorize_url(prompt="login"))
    ann.give_password(page)
    page.locator("text=Use your passkey").wait_for()
    look(page, "second-step-with-passkey")
    page.click("text=Use your passkey")
    page.click("button:text-is('Allow')")
    assert "code" in answer(page)
    page.goto(ann.authorize_url(prompt="login"))
    devices.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.click("text=Use a passkey")
    page.locator("[data-passkey-problem]", has_text="The passkey was not used.").wait_for()
    look(page, "passkey-refused")
    devices.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})
    page.click("button:text-is('Try again')")
    page.click("button:text-is('Allow')")
    assert "code" in answer(page)
    assert faults(visit) == []


def test_without_script_all_but_passkeys_works(chromium: Any, server: Server) -> None:
    ann = server.register()
    for context in _context(chromium, java_script_enabled=False):
        page = context.new_page()
        page.goto(f"{server.url}/account/factors")
        assert not page.is_visible("text=Use a passkey")
        ann.give_password(page)
        assert page.is_visible("text=You can add a passkey with a browser with JavaScript")
        assert not page.is_visible("button:text-is('Add a passkey')")
        page.click("text=Add an app")
        ann.add_app(page)
        page.goto(ann.authorize_url(prompt="login"))
        ann.give_password(page)
        page.fill("#code", ann.recovery_codes[0])
        page.click("button:text-is('Sign in')")
        page.click("button:text-is('Allow')")
        assert "code" in answer(page)


def test_the_page_at_an_address_leads_to_the_page_of_passkeys(plain: Any, server: Server) -> None:
    ann = server.register()
    page = Visit(plain, ann.authorize_url().replace("localhost", "127.0.0.1")).page
    assert not page.is_visible("button:text-is('Use a passkey')")
    page.click("a:text-is('Use a passkey')")
    page.locator("button:text-is('Use a passkey')").wait_for()
    assert urlsplit(page.url).hostname == "localhost"


def test_the_links_of_mails(browser: Any, server: Server, look: Look) -> None:
    ann = server.register()
    visit = Visit(browser, f"{server.url}/account/verify?token=x")
    page = visit.page
    look(page, "dead-link")
    page.goto(mailed(server, ann, "verify"))
    look(page, "verify")
    page.click("button")
    look(page, "verified")
    page.goto(f"{server.url}/account/reset")
    look(page, "forgotten-password")
    page.fill("#email", ann.email)
    page.click("button")
    look(page, "look-into-your-mailbox")
    page.goto(mailed(server, ann, "reset"))
    page.fill("#password", "password123")
    page.click("button")
    page.get_by_role("alert").wait_for()
    look(page, "weak-password")
    page.fill("#password", NEW_PASSWORD)
    page.click("button")
    look(page, "password-changed")
    page.goto(f"{server.url}/account/sessions")
    ann.give_password(page, NEW_PASSWORD)
    page.locator("text=this browser").wait_for()
    assert faults(visit) == []


def mailed(server: Server, person: Person, page: str) -> str:
    """The link to a page in the newest mail to the person, when it has arrived."""
    folder = server.folder / "mail" / "new"
    link = re.compile(rf"http://[^\s\"<]*(/account/{page}\?token=[\w-]+)")
    for _ in range(200):
        mails = [file.read_text() for file in folder.glob("*")] if folder.exists() else []
        found = [match[1] for mail in mails if person.email in mail for match in link.finditer(mail)]
        if found:
            return f"{server.url}{found[-1]}"
        httpx.get(f"{server.address}/health/ready", timeout=30)  # the service sends mails in the background
    raise AssertionError(f"no mail with a link to {page}")


def test_a_device_is_connected(browser: Any, server: Server, look: Look) -> None:
    ann = server.register()
    begun = server.post("/oauth/device_authorization", scope="openid bank:read")
    visit = Visit(browser, begun["verification_uri"].replace("127.0.0.1", "localhost"))
    page = visit.page
    ann.give_password(page)
    page.fill("#user_code", "AAAA-AAAA")
    page.click("button:text-is('Go on')")
    page.get_by_role("alert").wait_for()
    look(page, "wrong-device-code")
    page.fill("#user_code", begun["user_code"])
    page.click("button:text-is('Go on')")
    look(page, "device-consent")
    page.click("button:text-is('Allow')")
    look(page, "device-connected")
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    assert server.post("/oauth/token", grant_type=grant, device_code=begun["device_code"])["token_type"] == "Bearer"
    assert faults(visit) == []
