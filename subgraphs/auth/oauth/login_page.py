"""The login page: it leads back to the page that needs a login.

```
password ──> no second factor ──────────────────────────────> logged in
   │    └──> second step: passkey, code or recovery code ───> logged in
   └ "Use a passkey" ──> passkey alone ─────────────────────> logged in
```

Each step is a form of the same URL. Only passkeys need a script.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from servicekit.errors import RateLimited
from servicekit.finish_despite_cancellation import to_the_end
from subgraphs.auth.oauth import browser_login, parameters
from subgraphs.auth.oauth.browser_login import Browser
from subgraphs.auth.oauth.responses import redirect, wait_text
from subgraphs.auth.pages import rendering
from subgraphs.auth.pages.account_pages import RESET
from subgraphs.auth.second_factor.factor_verification import GivenProof
from subgraphs.auth.second_factor.factors import FactorKind
from subgraphs.auth.second_factor.login import (
    Identified,
    InvalidChallenge,
    InvalidProof,
    LoginChallenge,
    PasskeyChallenge,
    PasskeysUnavailable,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.domain import Session
    from subgraphs.auth.oauth.parameters import Parameters
    from subgraphs.auth.oauth.server import OAuthServer

_WRONG_CODE: Final = "The code is wrong or was used before. Please try again."
_WRONG_PASSKEY: Final = "The bank does not know this passkey, or it could not be checked. Please try again."
_ERRORS: Final = {
    type(None): "The e-mail address or the password is wrong.",
    InvalidProof: _WRONG_PASSKEY,
    InvalidChallenge: "This step took too long, or had too many attempts. Please sign in again.",
    PasskeysUnavailable: "Passkeys are not available. Please sign in with your password.",
}
OLD_FORM: Final = "This form was open for too long, or your browser does not keep cookies. Please try again."
# What the second step asks for, by the kinds of codes that the user has.
_CODE_HINTS: Final = {
    (FactorKind.CODE,): "Type the code of your authenticator app.",
    (FactorKind.RECOVERY_CODE,): "Type one of your recovery codes.",
    (FactorKind.CODE, FactorKind.RECOVERY_CODE): "Type the code of your authenticator app, or a recovery code.",
}


@dataclass(frozen=True, slots=True)
class LoginPage:
    """A login page.

    Attributes:
        action: the URL of this page, to which its form is sent; a path of this server.
        back: the URL to which the browser goes after the login; a path of this server.
        reason: says who asks for the login.
        email: the address that the page proposes.
        form_target: the origin to which `back` may lead besides this server.
        acr_values: the claim `acr` that the login must have one of; empty if any login suffices.
        unmet: the URL to which the browser goes after a login of another level.
    """

    action: str
    back: str
    reason: str
    email: str = ""
    form_target: str = ""
    acr_values: frozenset[str] = frozenset()
    unmet: str = ""

    def next_url(self, session: Session | None) -> str:
        """Return the URL to which the browser goes after a login."""
        acr = None if session is None else session.authentication.acr
        return self.unmet if self.acr_values and acr not in self.acr_values else self.back


# What a form leads to besides a login: the next step, or the reason why there is none (None: the password is wrong).
_Challenge: TypeAlias = LoginChallenge | PasskeyChallenge
_Refusal: TypeAlias = InvalidProof | InvalidChallenge | PasskeysUnavailable | None


async def handle(server: OAuthServer, request: Request, page: LoginPage) -> Response:
    """Show the page, or log the browser in by its form."""
    browser = await browser_login.browser_of(server, request)
    if request.method == "GET":
        return _show(server, browser, page)
    form = await parameters.form_of(request)
    filled = replace(page, email=form.get("email", ""))
    if not browser_login.is_own_form(server, request, browser, form.get("form_token")):
        return _show(server, browser, filled, error=OLD_FORM, status=403)
    try:
        outcome = await _outcome(server, form)
    except RateLimited as error:
        response = _show(server, browser, filled, error=wait_text(error), status=429)
        response.headers["retry-after"] = str(error.retry_after)
        return response
    if not isinstance(outcome, Browser):
        if isinstance(outcome, InvalidProof) and outcome.again is not None:
            shown = _WRONG_PASSKEY if "assertion" in form else _WRONG_CODE
            return _second_step(server, browser, filled, outcome.again, error=shown)
        return _next_step(server, browser, filled, outcome)
    await to_the_end(browser_login.log_out(server, browser))
    response = redirect(page.next_url(outcome.session))
    browser_login.set_cookie(server, response, outcome)
    return response


async def _outcome(server: OAuthServer, form: Parameters) -> Browser | _Challenge | _Refusal:
    """Return what a form leads to. Raises as `IdentityService.authenticate` does."""
    identity, origin = server.services.identity, server.origin()
    found: Identified | _Challenge | _Refusal
    if form.get("step") == "passkey":
        return await server.services.second_factors.login.begin_with_passkey(origin)
    if "challenge" in form:
        found = await identity.authenticate_with_factor(form["challenge"], _given(form), origin)
    else:
        email, password = form.get("email", ""), form.get("password", "")
        found = await identity.authenticate(email=email, password=password, origin=origin)
    if not isinstance(found, Identified):
        return found
    return await to_the_end(browser_login.log_in(server, found.user, found.authentication))


def _given(form: Parameters) -> GivenProof:
    if "assertion" in form:
        return GivenProof(assertion=form["assertion"])
    code = "".join(form.get("code", "").split())
    return GivenProof(code=code) if code.isdigit() else GivenProof(recovery_code=code)


def _next_step(server: OAuthServer, browser: Browser, page: LoginPage, outcome: _Refusal | _Challenge) -> Response:
    match outcome:
        case LoginChallenge():
            return _second_step(server, browser, page, outcome)
        case PasskeyChallenge():
            values = {**_common(server, browser, page), "challenge": outcome.token, "options": outcome.options}
            return rendering.page("passkey_login.html", values, form_target=page.form_target, for_passkeys=True)
    return _show(server, browser, page, error=_ERRORS[type(outcome)], status=400)


def _second_step(
    server: OAuthServer, browser: Browser, page: LoginPage, challenge: LoginChallenge, *, error: str = ""
) -> Response:
    codes = tuple(kind for kind in challenge.kinds if kind is not FactorKind.PASSKEY)
    values = {
        **_common(server, browser, page),
        "error": error,
        "challenge": challenge.token,
        "code_hint": _CODE_HINTS.get(codes, ""),
        "options": challenge.passkey_options or "",
    }
    return rendering.page(
        "second_factor.html",
        values,
        status=400 if error else 200,
        form_target=page.form_target,
        for_passkeys=challenge.passkey_options is not None,
    )


def _show(server: OAuthServer, browser: Browser, page: LoginPage, *, error: str = "", status: int = 200) -> Response:
    values = {
        **_common(server, browser, page),
        "reason": page.reason,
        "error": error,
        "email": page.email,
        "reset": f"{server.account_url}{RESET}",
    }
    has_passkeys = server.passkeys is not None
    response = rendering.page(
        "login.html", values, status=status, form_target=page.form_target, for_passkeys=has_passkeys
    )
    browser_login.set_cookie(server, response, browser)
    return response


def _common(server: OAuthServer, browser: Browser, page: LoginPage) -> dict[str, object]:
    return {
        "action": page.action,
        "form_token": browser_login.form_token(server, browser),
        "passkeys": server.passkeys,
    }
