"""The login of a browser at the authorization server: its cookie, and the tokens of its forms.

Each browser has one cookie with a random secret. Before the login, nothing is stored about it: it only proves that a
form was sent by the browser that got the page (CSRF, also for the login itself). At the login, the browser gets a new
secret, so a secret that somebody planted in the browser before is worthless (session fixation). The login is a session
of the user: ending the session in the user's list, or disabling the user, logs the browser out.

The cookie is not sent with forms of other sites (`SameSite=Lax`), and with https no other host can set it (`__Host-`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from subgraphs.auth import tokens
from subgraphs.auth.domain import RefreshToken, Session
from subgraphs.auth.oauth.store import Ticket, digest

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.authentication import Authentication
    from subgraphs.auth.domain import User
    from subgraphs.auth.oauth.server import OAuthServer

LOGIN: Final = "login"
# A working day. Longer access is what refresh tokens are for.
LOGIN_LIFETIME: Final = timedelta(hours=12)
_SECRET_BYTES: Final = 32
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_NAME: Final = "mosafe-browser"


@dataclass(frozen=True, slots=True)
class Browser:
    """The browser that sent a request.

    Attributes:
        secret: the secret of its cookie; a new one if it has none yet.
        session: the session of its login; None if nobody has logged in.
        user: the user who has logged in.
    """

    secret: str
    session: Session | None = None
    user: User | None = None


async def browser_of(server: OAuthServer, request: Request) -> Browser:
    """Return the browser, with its login if it is live."""
    secret = request.cookies.get(cookie_name(server), "")
    if _SECRET.fullmatch(secret) is None:
        return Browser(secrets.token_urlsafe(_SECRET_BYTES))
    ticket = await server.oauth.ticket(LOGIN, digest(secret))
    if ticket is None:
        return Browser(secret)
    found = await server.store.session(json.loads(ticket.document))
    if found is None or not found[0].is_live(server.clock()):
        return Browser(secret)
    return Browser(secret, *found)


async def log_in(server: OAuthServer, user: User, authentication: Authentication) -> Browser | None:
    """Begin a session for a browser, which gets a new secret. None if the user was disabled meanwhile."""
    now = server.clock()
    session = Session.begin(tokens.new_identifier(), user.id, now, authentication)
    session = replace(session, expires_at=now + LOGIN_LIFETIME)
    # Every session has a refresh token. This one is thrown away, so nobody can use it.
    unused = RefreshToken.issue(digest(tokens.new_secret_token()), session, now)
    arrival = server.services.sessions.arrival(user)
    if not await server.store.begin_session(session, unused, server.expired_before(), arrival):
        return None
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    ticket = Ticket(LOGIN, digest(secret), json.dumps(session.id), session.expires_at)
    await server.oauth.add_ticket(ticket, server.expired_before())
    return Browser(secret, session, user)


async def log_out(server: OAuthServer, browser: Browser) -> None:
    """End the login of a browser."""
    await server.oauth.change_ticket(LOGIN, digest(browser.secret), lambda _ticket: None)
    if browser.session is not None:
        await server.grants.end(browser.session.id)


def form_token(server: OAuthServer, browser: Browser) -> str:
    """Return the token that the forms of a page carry. It is valid for the cookie of this browser only."""
    return hmac.new(server.form_key, browser.secret.encode(), hashlib.sha256).hexdigest()


def is_own_form(server: OAuthServer, request: Request, browser: Browser, token: str | None) -> bool:
    """Whether a form was sent from a page that this browser got from this server."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    return token is not None and hmac.compare_digest(token.encode(), form_token(server, browser).encode())


def set_cookie(server: OAuthServer, response: Response, browser: Browser) -> None:
    """Let the browser keep its secret until it is closed."""
    response.set_cookie(
        cookie_name(server), browser.secret, path="/", secure=server.is_secure, httponly=True, samesite="lax"
    )


def cookie_name(server: OAuthServer) -> str:
    """Return the name of the cookie. Browsers accept the prefix `__Host-` over https only (RFC 6265bis)."""
    return f"__Host-{_NAME}" if server.is_secure else _NAME
