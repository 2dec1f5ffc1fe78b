"""Pages that need a login, and the login page in front of them.

A browser that is not logged in goes to `/account/login`, and from there back to the page. The URL names the page by a
word of a fixed table, so it cannot lead anywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from bank.identity import Caller
from subgraphs.auth.oauth import browser_login, login_page, parameters
from subgraphs.auth.oauth.login_page import OLD_FORM, LoginPage
from subgraphs.auth.oauth.logout_endpoint import LOGOUT
from subgraphs.auth.oauth.responses import browser_page, message_page, redirect
from subgraphs.auth.pages import rendering

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.domain import Session, User
    from subgraphs.auth.oauth.browser_login import Browser
    from subgraphs.auth.oauth.parameters import Parameters
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.kit.service_routes import ServiceRoute

LOGIN: Final = "/account/login"
SESSIONS: Final = "/account/sessions"
FACTORS: Final = "/account/factors"
_PAGES: Final = {
    "sessions": (SESSIONS, "Sign in to see your sessions and applications."),
    "factors": (FACTORS, "Sign in to see your second factors."),
}
_AGAIN: Final = "This change needs a login of the last minutes. Sign in again, then repeat it."


@dataclass(frozen=True, slots=True)
class Visitor:
    """A user who has logged in with a browser.

    Attributes:
        caller: the user as use cases know the sender of an access token.
    """

    server: OAuthServer
    browser: Browser
    user: User
    caller: Caller

    def page(
        self, template: str, values: Mapping[str, object], *, status: int = 200, for_passkeys: bool = False
    ) -> Response:
        """Return a page with the values that each of these pages has. The arguments are those of `rendering.page`."""
        common = {
            "email": self.user.email,
            "form_token": browser_login.form_token(self.server, self.browser),
            "passkeys": self.server.passkeys,
            "logout": LOGOUT,
            "sessions": SESSIONS,
            "factors": FACTORS,
        }
        return rendering.page(template, {**common, **values}, status=status, for_passkeys=for_passkeys)


def login_routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    return (browser_page(LOGIN, ("GET", "POST"), lambda request: _login(server(), request)),)


def signed_in_page(
    path: str,
    server: Callable[[], OAuthServer],
    show: Callable[[Visitor, Request], Awaitable[Response]],
    submit: Callable[[Visitor, Parameters], Awaitable[Response]],
) -> ServiceRoute:
    """Return the route of a page: `show` responds to GET, `submit` to the page's own forms."""

    async def handle(request: Request) -> Response:
        visitor = await _visitor(server(), request)
        if visitor is None:
            return redirect(login_url(path))
        if request.method == "GET":
            return await show(visitor, request)
        form = await parameters.form_of(request)
        if not browser_login.is_own_form(visitor.server, request, visitor.browser, form.get("form_token")):
            return message_page("Please try again", OLD_FORM, status=403)
        return await submit(visitor, form)

    return browser_page(path, ("GET", "POST"), handle)


def login_url(path: str, *, again: bool = False) -> str:
    """Return the URL of the login page that leads to `path`.

    `again` is for a user who has logged in, but not recently or not with a second factor.
    """
    word = next(word for word, (page, _) in _PAGES.items() if page == path)
    return f"{LOGIN}?{urlencode({'page': word, **({'again': '1'} if again else {})})}"


async def _login(server: OAuthServer, request: Request) -> Response:
    query = parameters.query_of(request)
    back, reason = _PAGES.get(query.get("page", ""), _PAGES["sessions"])
    is_again = "again" in query
    page = LoginPage(login_url(back, again=is_again), back, _AGAIN if is_again else reason)
    return await login_page.handle(server, request, page)


async def _visitor(server: OAuthServer, request: Request) -> Visitor | None:
    browser = await browser_login.browser_of(server, request)
    if browser.session is None or browser.user is None:
        return None
    return Visitor(server, browser, browser.user, _caller(browser.session, browser.user))


def _caller(session: Session, user: User) -> Caller:
    """Return the caller of an access token of `session`."""
    proof = session.authentication
    enrolled_at = proof.factor_enrolled_at
    return Caller(
        user.id,
        session.id,
        frozenset(user.roles),
        acr=proof.acr,
        auth_time=int(proof.at.timestamp()),
        factor_enrolled_at=None if enrolled_at is None else int(enrolled_at.timestamp()),
    )
