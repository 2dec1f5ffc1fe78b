"""The authorization endpoint and its pages: sign in, consent, back to the client (RFC 6749 §4.1).

```
GET /oauth/authorize ── valid? ──> logged in? ──> consent given? ──> redirect to the client with a code
                          │            │ no: /oauth/login     │ no: page, whose form goes to /oauth/consent
                          │            └── back to /oauth/authorize with the same query
                          └ no: a page (client or redirect URI unknown), or a redirect with the error
```

Nothing is stored about a request between these steps: each step gets the same query and checks all of it again. So a
link between them cannot be used for another request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from bank.identity import ACR_PASSWORD
from bank.scopes import OPENID
from subgraphs.auth.oauth import browser_login, login_page, parameters, pushed_requests, redirect_uris
from subgraphs.auth.oauth.authorization_request import (
    AuthorizationRequest,
    ReturnAddress,
    read_address,
    read_request,
)
from subgraphs.auth.oauth.codes import CODE_LIFETIME, Code, ticket_of
from subgraphs.auth.oauth.errors import ACCESS_DENIED, INVALID_REQUEST, UNMET_AUTHENTICATION_REQUIREMENTS
from subgraphs.auth.oauth.grants import lifetime_text
from subgraphs.auth.oauth.login_page import OLD_FORM, LoginPage
from subgraphs.auth.oauth.logout_endpoint import LOGOUT
from subgraphs.auth.oauth.responses import browser_page, message_page, redirect
from subgraphs.auth.oauth.scope_rules import DESCRIPTIONS
from subgraphs.auth.oauth.store import digest
from subgraphs.auth.pages import rendering
from subgraphs.auth.tokens import new_secret_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.domain import Session
    from subgraphs.auth.oauth.browser_login import Browser
    from subgraphs.auth.oauth.parameters import Parameters
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.kit.service_routes import ServiceRoute

AUTHORIZE: Final = "/oauth/authorize"
LOGIN: Final = "/oauth/login"
CONSENT: Final = "/oauth/consent"


def routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    """Return the routes of the authorization endpoint and its pages."""
    return (
        browser_page(AUTHORIZE, ("GET", "POST"), lambda request: _authorize(server(), request)),
        browser_page(LOGIN, ("GET", "POST"), lambda request: _login(server(), request)),
        browser_page(CONSENT, ("POST",), lambda request: _consent(server(), request)),
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of an authorization.

    Attributes:
        query: the query of the URL, which each step has.
        parameters: the parameters of the request: those of the query, or those that were pushed.
        address: where the answer goes.
        request: what is asked for.
    """

    server: OAuthServer
    query: Parameters
    parameters: Parameters
    address: ReturnAddress
    request: AuthorizationRequest

    def link(self, path: str) -> str:
        return f"{path}?{urlencode(self.query)}"

    @property
    def form_target(self) -> str:
        return redirect_uris.origin(self.address.redirect_uri)


async def _read(server: OAuthServer, request: Request) -> _Step:
    """Return the step. Raises OAuthError, UnverifiedRequest or AuthorizationError if the query is not valid."""
    query = parameters.query_of(request)
    wanted = await pushed_requests.resolve(server, query)
    client = await server.oauth.client(wanted.get("client_id", ""))
    address = read_address(wanted, client, server.issuer)
    assert client is not None  # noqa: S101 - read_address refuses unknown clients; for the type checker
    if client.requires_pushed_requests and wanted is query:
        raise address.refusal(INVALID_REQUEST, "the client must push its requests")
    return _Step(server, query, wanted, address, read_request(wanted, client, address))


async def _authorize(server: OAuthServer, request: Request) -> Response:
    if request.method == "POST":
        # Cookies are not sent with forms of other sites, but with the redirect that follows.
        return redirect(f"{AUTHORIZE}?{urlencode(await parameters.form_of(request))}")
    step = await _read(server, request)
    browser = await browser_login.browser_of(server, request)
    is_silent = "none" in step.request.prompts
    if step.request.needs_login(browser.session, server.clock()):
        if is_silent:
            raise step.address.refusal("login_required", "the user must sign in")
        return redirect(step.link(LOGIN))
    if await _has_consent(step, browser):
        return await _answer(step, browser)
    if is_silent:
        raise step.address.refusal("consent_required", "the user must consent")
    return _consent_page(step, browser)


async def _has_consent(step: _Step, browser: Browser) -> bool:
    """Whether the user lets the client do all of this already, so that the page can be left out.

    A public client cannot prove who it is, so a program on the user's device could pretend to be it. It is only
    believed if its redirect URI is a web site, which receives the code whoever has asked for it (RFC 8252 §8.6).
    """
    request = step.request
    if "consent" in request.prompts or browser.user is None:
        return False
    if request.client.is_public and not step.address.redirect_uri.startswith("https://"):
        return False
    grants = await step.server.oauth.live_grants(browser.user.id, request.client.id, step.server.clock())
    return any(request.scopes <= grant.scopes for grant in grants)


async def _answer(step: _Step, browser: Browser) -> Response:
    """Redirect to the client with a new code."""
    server, request = step.server, step.request
    session = _session(browser)
    await pushed_requests.finish(server, step.query)
    secret = new_secret_token()
    code = Code(
        client_id=request.client.id,
        user_id=session.user_id,
        redirect_uri=step.address.redirect_uri,
        scopes=request.scopes,
        challenge=request.challenge,
        browser_session_id=session.id,
        expires_at=server.clock() + CODE_LIFETIME,
        nonce=request.nonce if OPENID in request.scopes else None,
        dpop_jkt=request.dpop_jkt,
    )
    await server.oauth.add_ticket(ticket_of(code, digest(secret)), server.expired_before())
    return redirect(step.address.url({"code": secret}))


def _session(browser: Browser) -> Session:
    assert browser.session is not None  # noqa: S101 - `needs_login` was checked; for the type checker
    return browser.session


def _consent_page(step: _Step, browser: Browser) -> Response:
    request = step.request
    values = {
        "client": request.client.name,
        "email": "" if browser.user is None else browser.user.email,
        "logout": LOGOUT,
        "scopes": [text for scope, text in DESCRIPTIONS.items() if scope in request.scopes],
        "lifetime": lifetime_text(request.scopes, step.server.services.sessions.rules),
        "target": step.form_target,
        "action": step.link(CONSENT),
        "form_token": browser_login.form_token(step.server, browser),
        "hidden": {},
    }
    return rendering.page("consent.html", values, form_target=step.form_target)


async def _consent(server: OAuthServer, request: Request) -> Response:
    step = await _read(server, request)
    form = await parameters.form_of(request)
    browser = await browser_login.browser_of(server, request)
    if not browser_login.is_own_form(server, request, browser, form.get("form_token")):
        return message_page("Please try again", OLD_FORM, status=403)
    if step.request.needs_login(browser.session, server.clock()):
        return redirect(step.link(LOGIN))
    if form.get("decision") != "allow":
        await pushed_requests.finish(server, step.query)
        raise step.address.refusal(ACCESS_DENIED, "the user did not consent")
    return await _answer(step, browser)


async def _login(server: OAuthServer, request: Request) -> Response:
    step = await _read(server, request)
    prompts = [each for each in step.parameters.get("prompt", "").split() if each not in {"login", "select_account"}]
    back = step.link(AUTHORIZE)
    if request.method == "POST":
        # The demand to log in is met when the form has logged the browser in, so the next step does not repeat it.
        back = f"{AUTHORIZE}?{urlencode(_without_login(step.query, prompts))}"
    reason = f"{step.request.client.name} asks you to sign in."
    if step.request.acr_values and ACR_PASSWORD not in step.request.acr_values:
        reason += " It needs your second factor or a passkey."
    unmet = step.address.refusal(UNMET_AUTHENTICATION_REQUIREMENTS, "the login has another level than acr_values").url
    page = LoginPage(
        step.link(LOGIN),
        back,
        reason,
        step.request.login_hint or "",
        step.form_target,
        step.request.acr_values,
        unmet,
    )
    response = await login_page.handle(server, request, page)
    location = response.headers.get("location")
    if location == back:
        await pushed_requests.logged_in(server, step.query, " ".join(prompts))
    elif location == unmet:
        await pushed_requests.finish(server, step.query)
    return response


def _without_login(query: Parameters, prompts: list[str]) -> Parameters:
    """Return the query without the demand to log in."""
    rest = {name: value for name, value in query.items() if name != "prompt"}
    return {**rest, "prompt": " ".join(prompts)} if prompts and "prompt" in query else rest
