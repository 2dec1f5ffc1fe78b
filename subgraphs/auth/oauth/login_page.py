"""The login page: it leads back to the page that needs a login."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from servicekit.errors import RateLimited
from servicekit.finish_despite_cancellation import to_the_end
from subgraphs.auth.oauth import browser_login, parameters
from subgraphs.auth.oauth.responses import message_page, redirect, wait_text
from subgraphs.auth.pages import rendering
from subgraphs.auth.second_factor.factor_verification import GivenProof
from subgraphs.auth.second_factor.factors import FactorKind
from subgraphs.auth.second_factor.login import Identified, LoginChallenge

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.oauth.browser_login import Browser
    from subgraphs.auth.oauth.parameters import Parameters
    from subgraphs.auth.oauth.server import OAuthServer

_WRONG: Final = "The e-mail address or the password is wrong."
_WRONG_CODE: Final = "The code is wrong or was used before. Please sign in again."
_ONLY_PASSKEYS: Final = "Your account has passkeys only. Add an authenticator app or recovery codes to sign in here."
OLD_FORM: Final = "This form was open for too long, or your browser does not keep cookies. Please try again."


@dataclass(frozen=True, slots=True)
class LoginPage:
    """A login page.

    Attributes:
        action: the URL of this page, to which its form is sent.
        back: the URL to which the browser goes after the login; a path of this server.
        reason: says who asks for the login.
        email: the address that the page proposes.
        form_target: the origin to which `back` may lead besides this server.
    """

    action: str
    back: str
    reason: str
    email: str = ""
    form_target: str = ""


async def handle(server: OAuthServer, request: Request, page: LoginPage) -> Response:
    """Show the page, or log the browser in by its form."""
    browser = await browser_login.browser_of(server, request)
    if request.method == "GET":
        return _show(server, browser, page)
    form = await parameters.form_of(request)
    filled = LoginPage(page.action, page.back, page.reason, form.get("email", ""), page.form_target)
    if not browser_login.is_own_form(server, request, browser, form.get("form_token")):
        return _show(server, browser, filled, error=OLD_FORM, status=403)
    try:
        logged_in = await _log_in(server, form)
    except RateLimited as error:
        response = _show(server, browser, filled, error=wait_text(error), status=429)
        response.headers["retry-after"] = str(error.retry_after)
        return response
    if isinstance(logged_in, LoginChallenge):
        return _ask_for_code(server, browser, page, logged_in)
    if logged_in is None:
        return _show(server, browser, filled, error=_WRONG_CODE if "challenge" in form else _WRONG, status=400)
    await to_the_end(browser_login.log_out(server, browser))
    response = redirect(page.back)
    browser_login.set_cookie(server, response, logged_in)
    return response


async def _log_in(server: OAuthServer, form: Parameters) -> Browser | LoginChallenge | None:
    """Log the browser in by a form, or return the challenge of a user who has a second factor.

    Return None if the proof is wrong. Raises as `IdentityService.authenticate` does.
    """
    identity, origin = server.services.identity, server.origin()
    if "challenge" in form:
        code = "".join(form.get("code", "").split())
        given = GivenProof(code=code) if code.isdigit() else GivenProof(recovery_code=form.get("code", ""))
        found: object = await identity.authenticate_with_factor(form["challenge"], given, origin)
    else:
        email, password = form.get("email", ""), form.get("password", "")
        found = await identity.authenticate(email=email, password=password, origin=origin)
        if isinstance(found, LoginChallenge):
            return found
    if not isinstance(found, Identified):
        return None
    return await to_the_end(browser_login.log_in(server, found.user, found.authentication))


def _ask_for_code(server: OAuthServer, browser: Browser, page: LoginPage, challenge: LoginChallenge) -> Response:
    """Return the page for the second factor. Passkeys need a script, which these pages do not have."""
    if set(challenge.kinds) <= {FactorKind.PASSKEY}:
        return message_page("Use another way", _ONLY_PASSKEYS, status=403)
    values = {
        "action": page.action,
        "form_token": browser_login.form_token(server, browser),
        "challenge": challenge.token,
    }
    return rendering.page("second_factor.html", values, form_target=page.form_target)


def _show(server: OAuthServer, browser: Browser, page: LoginPage, *, error: str = "", status: int = 200) -> Response:
    values = {
        "reason": page.reason,
        "error": error,
        "email": page.email,
        "action": page.action,
        "form_token": browser_login.form_token(server, browser),
    }
    response = rendering.page("login.html", values, status=status, form_target=page.form_target)
    browser_login.set_cookie(server, response, browser)
    return response
