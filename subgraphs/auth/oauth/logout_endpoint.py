"""Logout that a client begins (OpenID Connect RP-Initiated Logout 1.0).

The user is asked first, unless the client shows an ID token of the session that the browser has. So no other site can
log a user out. The user returns to the client only with a registered URI, and only if the client is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import jwt

from servicekit.finish_despite_cancellation import to_the_end
from subgraphs.auth.oauth import browser_login, parameters, redirect_uris
from subgraphs.auth.oauth.errors import UnverifiedRequest
from subgraphs.auth.oauth.responses import browser_page, message_page, redirect
from subgraphs.auth.pages import rendering

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.oauth.browser_login import Browser
    from subgraphs.auth.oauth.parameters import Parameters
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.kit.service_routes import ServiceRoute

LOGOUT: Final = "/oauth/logout"
_BAD_HINT: Final = "The application that sent you here showed an ID token that is not valid."
_BAD_ADDRESS: Final = "The application that sent you here gave an address that is not registered for it."


def routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    return (browser_page(LOGOUT, ("GET", "POST"), lambda request: _logout(server(), request)),)


async def _logout(server: OAuthServer, request: Request) -> Response:
    form = await parameters.form_of(request) if request.method == "POST" else {}
    if request.method == "POST" and "form_token" not in form:
        # Cookies are not sent with forms of other sites, but with the redirect that follows.
        return redirect(f"{LOGOUT}?{urlencode(form)}")
    query = parameters.query_of(request)
    hint = await _hint(server, query)
    target = await _target(server, query, hint)
    browser = await browser_login.browser_of(server, request)
    confirmed = browser_login.is_own_form(server, request, browser, form.get("form_token"))
    if browser.session is not None and not confirmed and not await _is_of_browser(server, hint, browser):
        return _question(server, browser, query, target)
    await to_the_end(browser_login.log_out(server, browser))
    if hint is not None:
        await to_the_end(server.grants.end(hint["sid"]))
    if target is not None:
        return redirect(target)
    return message_page("You are signed out", "You can close this page.")


async def _hint(server: OAuthServer, query: Parameters) -> dict[str, Any] | None:
    """Return the claims of the ID token that the client shows. It may have expired.

    Raises:
        UnverifiedRequest: this server has not signed the token, or it is of another client than `client_id`.
    """
    token = query.get("id_token_hint")
    if token is None:
        return None
    try:
        header = jwt.get_unverified_header(token)
        key = await server.keys.key(str(header.get("kid")))
        if key is None or header.get("typ") != "JWT":
            raise UnverifiedRequest(_BAD_HINT)
        options: Any = {"verify_exp": False, "verify_aud": False, "require": ["iss", "aud", "sub", "sid"]}
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=[key.algorithm_name], issuer=server.issuer, options=options
        )
    except jwt.InvalidTokenError:
        raise UnverifiedRequest(_BAD_HINT) from None
    if query.get("client_id", claims["aud"]) != claims["aud"]:
        raise UnverifiedRequest(_BAD_HINT)
    return claims


async def _target(server: OAuthServer, query: Parameters, hint: dict[str, Any] | None) -> str | None:
    """Return the URL to which the user returns, or None.

    Raises:
        UnverifiedRequest: the URI is not registered for the client, or the client is not known.
    """
    uri = query.get("post_logout_redirect_uri")
    if uri is None:
        return None
    client = await server.oauth.client(query.get("client_id", "") if hint is None else str(hint["aud"]))
    if client is None or not redirect_uris.is_registered(uri, client.post_logout_redirect_uris):
        raise UnverifiedRequest(_BAD_ADDRESS)
    if "state" not in query:
        return uri
    parts = urlsplit(uri)
    added = urlencode({"state": query["state"]})
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


async def _is_of_browser(server: OAuthServer, hint: dict[str, Any] | None, browser: Browser) -> bool:
    """Whether the ID token was issued for the login of this browser."""
    if hint is None or browser.session is None:
        return False
    grant = await server.oauth.grant(str(hint["sid"]))
    return grant is not None and grant.browser_session_id == browser.session.id


def _question(server: OAuthServer, browser: Browser, query: Parameters, target: str | None) -> Response:
    values = {"action": f"{LOGOUT}?{urlencode(query)}", "form_token": browser_login.form_token(server, browser)}
    form_target = "" if target is None else redirect_uris.origin(target)
    return rendering.page("logout.html", values, form_target=form_target)
