"""The pages of the device flow: the user signs in, types the code, and sees what the device wants (RFC 8628 §3.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from servicekit.errors import RateLimited
from subgraphs.auth.action_limits import Action
from subgraphs.auth.oauth import browser_login, login_page, parameters
from subgraphs.auth.oauth.device_flow import DEVICE, DEVICE_PAGE, State, device_of, user_code_digest, with_device
from subgraphs.auth.oauth.grants import lifetime_text
from subgraphs.auth.oauth.login_page import OLD_FORM, LoginPage
from subgraphs.auth.oauth.logout_endpoint import LOGOUT
from subgraphs.auth.oauth.responses import browser_page, message_page, redirect, wait_text
from subgraphs.auth.oauth.scope_rules import DESCRIPTIONS
from subgraphs.auth.pages import rendering

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.oauth.browser_login import Browser
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.auth.oauth.store import Ticket
    from subgraphs.kit.service_routes import ServiceRoute

_LOGIN: Final = "/oauth/device/login"
_WRONG: Final = "No device shows this code now. Look at your device, and try again."


def routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    return (
        browser_page(DEVICE_PAGE, ("GET", "POST"), lambda request: _device(server(), request)),
        browser_page(_LOGIN, ("GET", "POST"), lambda request: _login(server(), request)),
    )


async def _login(server: OAuthServer, request: Request) -> Response:
    query = urlencode(parameters.query_of(request))
    page = LoginPage(f"{_LOGIN}?{query}", f"{DEVICE_PAGE}?{query}", "Sign in to connect a device.")
    return await login_page.handle(server, request, page)


async def _device(server: OAuthServer, request: Request) -> Response:
    query = parameters.query_of(request)
    browser = await browser_login.browser_of(server, request)
    if browser.session is None or browser.user is None:
        return redirect(f"{_LOGIN}?{urlencode(query)}")
    if request.method == "GET":
        return _code_page(server, browser, query.get("user_code", ""))
    form = await parameters.form_of(request)
    code = form.get("user_code", "")
    if not browser_login.is_own_form(server, request, browser, form.get("form_token")):
        return _code_page(server, browser, code, error=OLD_FORM, status=403)
    try:
        ticket = await _find(server, browser, code)
    except RateLimited as error:
        return _code_page(server, browser, code, error=wait_text(error), status=429)
    if ticket is not None and "decision" in form:
        return await _decide(server, browser, ticket, is_allowed=form["decision"] == "allow")
    return await _consent_page(server, browser, ticket, code)


async def _find(server: OAuthServer, browser: Browser, code: str) -> Ticket | None:
    """Return the device with a user code, if it waits. A wrong code is counted; raises RateLimited for too many."""
    account = "" if browser.user is None else browser.user.id
    attempt = await server.services.limits.count(Action.USER_CODE, server.origin(), account)
    ticket = await server.oauth.ticket(DEVICE, user_code_digest(code))
    if ticket is None or server.clock() >= ticket.expires_at or device_of(ticket).state is not State.PENDING:
        return None
    await attempt.give_back()
    return ticket


async def _decide(server: OAuthServer, browser: Browser, ticket: Ticket, *, is_allowed: bool) -> Response:
    session_id = None if browser.session is None else browser.session.id
    state = State.ALLOWED if is_allowed else State.DENIED

    def decided(stored: Ticket) -> Ticket:
        device = device_of(stored)
        # Another browser may have decided meanwhile; the first decision counts.
        if device.state is not State.PENDING:
            return stored
        return with_device(stored, replace(device, state=state, browser_session_id=session_id))

    await server.oauth.change_ticket(DEVICE, ticket.digest, decided)
    if is_allowed:
        return message_page("Your device is connected", "You can close this page and go on with your device.")
    return message_page("You did not connect the device", "You can close this page.")


async def _consent_page(server: OAuthServer, browser: Browser, ticket: Ticket | None, code: str) -> Response:
    """Ask whether the device may be connected. If there is no device with this code, ask for the code again."""
    device = None if ticket is None else device_of(ticket)
    client = None if device is None else await server.oauth.client(device.client_id)
    if device is None or client is None:
        return _code_page(server, browser, code, error=_WRONG, status=400)
    values = {
        "client": client.name,
        "email": "" if browser.user is None else browser.user.email,
        "logout": LOGOUT,
        "scopes": [text for scope, text in DESCRIPTIONS.items() if scope in device.scopes],
        "lifetime": lifetime_text(device.scopes, server.services.sessions.rules),
        "target": "",
        "action": DEVICE_PAGE,
        "form_token": browser_login.form_token(server, browser),
        "hidden": {"user_code": code},
    }
    return rendering.page("consent.html", values)


def _code_page(server: OAuthServer, browser: Browser, code: str, *, error: str = "", status: int = 200) -> Response:
    values = {
        "action": DEVICE_PAGE,
        "form_token": browser_login.form_token(server, browser),
        "code": code,
        "email": "" if browser.user is None else browser.user.email,
        "logout": LOGOUT,
        "error": error,
    }
    return rendering.page("device.html", values, status=status)
