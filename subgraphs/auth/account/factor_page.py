"""The page with the user's second factors: add, remove, new recovery codes.

The rules are those of `second_factor.enrolment`. If a change needs a newer or stronger login, the browser goes to the
login page, and the user repeats the change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import segno
from markupsafe import Markup
from starlette.responses import Response

from servicekit import user_agent
from servicekit.errors import RateLimited
from subgraphs.auth.account.signed_in_pages import FACTORS, Visitor, login_url, signed_in_page
from subgraphs.auth.displayed_times import day_text
from subgraphs.auth.oauth.responses import redirect, wait_text
from subgraphs.auth.second_factor.enrolment import (
    Enrolled,
    InvalidName,
    NoSuchFactor,
    PasskeyBegun,
    TooManyPasskeys,
    TotpBegun,
)
from subgraphs.auth.second_factor.factors import MAX_NAME_LENGTH
from subgraphs.auth.second_factor.login import InvalidChallenge, InvalidProof, PasskeysUnavailable
from subgraphs.auth.second_factor.passkeys import InvalidPasskey, format_id, parse_id
from subgraphs.auth.second_factor.totp import key_uri
from subgraphs.auth.sessions.devices import describe
from subgraphs.kit.step_up import RequiredLogin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from subgraphs.auth.oauth.parameters import Parameters
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.auth.second_factor.enrolment import Enrolment
    from subgraphs.auth.second_factor.factors import Passkey
    from subgraphs.kit.service_routes import ServiceRoute

_Refusal: TypeAlias = (
    RequiredLogin | InvalidProof | InvalidChallenge | InvalidName | NoSuchFactor | TooManyPasskeys | PasskeysUnavailable
)

_DONE: Final = {
    "app": "The authenticator app was removed.",
    "passkey": "The passkey was removed.",
}
_ERRORS: Final[Mapping[type, str]] = {
    InvalidProof: "The passkey could not be checked, or it is in use already. Please try again.",
    InvalidChallenge: "This step took too long, or had too many attempts. Please begin again.",
    InvalidName: f"A name has 1 to {MAX_NAME_LENGTH} characters. Please begin again.",
    NoSuchFactor: "There is no such second factor any more.",
    TooManyPasskeys: "You have too many passkeys. Remove one first.",
    PasskeysUnavailable: "Passkeys are not available.",
}
_WRONG_CODE: Final = "The code is wrong. Type the code that the app shows now."
_SECRET: Final = re.compile(r"[A-Z2-7]{32}")
_GROUP: Final = 4
# A module of the QR code has this many pixels; a phone reads it from a screen at arm's length.
_QR_SCALE: Final = 4


@dataclass(frozen=True, slots=True)
class _ShownPasskey:
    id: str
    name: str
    added: str
    used: str


def factor_routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    return (signed_in_page(FACTORS, server, _show, _submit),)


async def _show(visitor: Visitor, request: Request) -> Response:
    return await _overview(visitor, done=_DONE.get(request.query_params.get("done", ""), ""))


async def _overview(visitor: Visitor, *, done: str = "", error: str = "", status: int = 200) -> Response:
    factors = await _enrolment(visitor).factors(visitor.caller)
    values = {
        "action": FACTORS,
        "done": done,
        "error": error,
        "has_app": factors.totp is not None,
        "passkeys_added": [_shown(each) for each in factors.passkeys],
        "is_enrolled": factors.is_enrolled,
        "codes_left": factors.recovery_codes_left,
    }
    return visitor.page("factors.html", values, status=status, for_passkeys=visitor.server.passkeys is not None)


async def _submit(visitor: Visitor, form: Parameters) -> Response:
    step = _STEPS.get(form.get("step", ""))
    if step is None:
        return redirect(FACTORS)
    outcome = await step(visitor, form)
    if isinstance(outcome, Response):
        return outcome
    if isinstance(outcome, RequiredLogin):
        return redirect(login_url(FACTORS, again=True))
    return await _overview(visitor, error=_ERRORS[type(outcome)], status=400)


async def _begin_app(visitor: Visitor, _form: Parameters) -> Response | _Refusal:
    begun = await _enrolment(visitor).begin_totp(visitor.caller)
    return _app_page(visitor, begun.token, begun.secret) if isinstance(begun, TotpBegun) else begun


async def _confirm_app(visitor: Visitor, form: Parameters) -> Response | _Refusal:
    challenge, secret, code = (form.get(name, "") for name in ("challenge", "secret", "code"))
    try:
        outcome = await _enrolment(visitor).confirm_totp(visitor.caller, challenge, code, visitor.server.origin())
    except RateLimited as error:
        return _app_page(visitor, challenge, secret, error=wait_text(error), status=429)
    if isinstance(outcome, InvalidProof) and _SECRET.fullmatch(secret):
        return _app_page(visitor, challenge, secret, error=_WRONG_CODE, status=400)
    return _enrolled_page(visitor, outcome)


async def _remove_app(visitor: Visitor, _form: Parameters) -> Response | _Refusal:
    return await _enrolment(visitor).remove_totp(visitor.caller) or redirect(f"{FACTORS}?done=app")


async def _begin_passkey(visitor: Visitor, _form: Parameters) -> Response | _Refusal:
    begun = await _enrolment(visitor).begin_passkey(visitor.caller)
    if not isinstance(begun, PasskeyBegun):
        return begun
    values = {
        "action": FACTORS,
        "challenge": begun.token,
        "options": begun.options,
        "name": describe(user_agent.current()),
        "max_length": MAX_NAME_LENGTH,
    }
    return visitor.page("add_passkey.html", values, for_passkeys=True)


async def _confirm_passkey(visitor: Visitor, form: Parameters) -> Response | _Refusal:
    challenge, response, name = (form.get(each, "") for each in ("challenge", "assertion", "name"))
    return _enrolled_page(visitor, await _enrolment(visitor).add_passkey(visitor.caller, challenge, response, name))


async def _remove_passkey(visitor: Visitor, form: Parameters) -> Response | _Refusal:
    try:
        credential_id = parse_id(form.get("id", ""))
    except InvalidPasskey:
        return NoSuchFactor()
    return await _enrolment(visitor).remove_passkey(visitor.caller, credential_id) or redirect(
        f"{FACTORS}?done=passkey"
    )


async def _renew_codes(visitor: Visitor, _form: Parameters) -> Response | _Refusal:
    outcome = await _enrolment(visitor).renew_recovery_codes(visitor.caller)
    return _codes_page(visitor, outcome) if isinstance(outcome, tuple) else outcome


_STEPS: Final[Mapping[str, Callable[[Visitor, Parameters], Awaitable[Response | _Refusal]]]] = {
    "begin app": _begin_app,
    "confirm app": _confirm_app,
    "remove app": _remove_app,
    "begin passkey": _begin_passkey,
    "confirm passkey": _confirm_passkey,
    "remove passkey": _remove_passkey,
    "renew codes": _renew_codes,
}


def _app_page(visitor: Visitor, challenge: str, secret: str, *, error: str = "", status: int = 200) -> Response:
    """Return the page with a secret. The browser sends the secret back, so that the page can be shown again."""
    uri = key_uri(secret, visitor.user.email)
    values = {
        "action": FACTORS,
        "challenge": challenge,
        "secret": secret,
        "groups": [secret[start : start + _GROUP] for start in range(0, len(secret), _GROUP)],
        "uri": uri,
        # The library escapes nothing that is not its own: the drawing has numbers only.
        "picture": Markup(segno.make(uri, micro=False).svg_inline(scale=_QR_SCALE, dark="#000", light="#fff")),  # noqa: S704 - as above
        "error": error,
    }
    return visitor.page("add_app.html", values, status=status)


def _enrolled_page(visitor: Visitor, outcome: Enrolled | _Refusal) -> Response | _Refusal:
    """Return the page after a new factor, which shows the recovery codes of the first one; or the refusal."""
    if not isinstance(outcome, Enrolled):
        return outcome
    return _codes_page(visitor, outcome.recovery_codes) if outcome.recovery_codes else redirect(FACTORS)


def _codes_page(visitor: Visitor, codes: tuple[str, ...]) -> Response:
    return visitor.page("recovery_codes.html", {"codes": codes})


def _enrolment(visitor: Visitor) -> Enrolment:
    return visitor.server.services.second_factors.enrolment


def _shown(passkey: Passkey) -> _ShownPasskey:
    used = "" if passkey.last_used_at is None else day_text(passkey.last_used_at)
    return _ShownPasskey(format_id(passkey.credential_id), passkey.name, day_text(passkey.enrolled_at), used)
