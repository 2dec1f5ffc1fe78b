"""The pages to which the links of mails lead: a new password, and the verification of an e-mail address.

| page | GET | POST |
|---|---|---|
| `/account/reset` | asks for the e-mail address | sends a mail with a link |
| `/account/reset?token=…` | asks for a new password | changes the password |
| `/account/verify?token=…` | asks for a click | verifies the address |

A GET changes nothing, because mail programs open links to check them. A POST repeats the token as a field of the form.
Whoever has the token may use it, so no cookie is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from servicekit.errors import BadUserInput, RateLimited, ServiceError, Unavailable
from subgraphs.auth.identity_service import TakenEmail, WeakChoice
from subgraphs.auth.pages.forms import query_value, read_form
from subgraphs.auth.pages.rendering import page
from subgraphs.auth.password_rules import MAX_LENGTH, MIN_LENGTH
from subgraphs.auth.recovery.links import Purpose
from subgraphs.auth.recovery.service import Changed
from subgraphs.kit.service_routes import ServiceRoute

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.context import AuthContext
    from subgraphs.kit.service_routes import Handler

RESET: Final = "/account/reset"
VERIFY: Final = "/account/verify"
_GONE: Final = 410
_INVALID: Final = (
    "This link is not valid any more. It may have expired, or it was used before, or the password or the e-mail address"
    " has changed since."
)


class AccountPages:
    """Renders the pages.

    Args:
        new_context: returns the context of a request, which has the use cases.
        public_url: the URL of this service, as browsers know it.
    """

    def __init__(self, new_context: Callable[[], AuthContext], public_url: str) -> None:
        self._new_context = new_context
        parts = urlsplit(public_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"

    def routes(self) -> tuple[ServiceRoute, ...]:
        return (
            ServiceRoute(RESET, ("GET", "HEAD"), _reporting(self.show_reset)),
            ServiceRoute(RESET, ("POST",), _reporting(self.reset)),
            ServiceRoute(VERIFY, ("GET", "HEAD"), _reporting(self.show_verification)),
            ServiceRoute(VERIFY, ("POST",), _reporting(self.verify)),
        )

    async def show_reset(self, request: Request) -> Response:
        token = query_value(request, "token")
        if not token:
            return _ask_for_address()
        return await self._if_valid(token, (Purpose.RESET_PASSWORD,), lambda: _ask_for_password(token))

    async def reset(self, request: Request) -> Response:
        form, context = await read_form(request, self._origin), self._new_context()
        if "token" not in form:
            return await self._request_reset(context, form.get("email", "").strip())
        token, password = form["token"], form.get("password", "")
        try:
            outcome = await context.recovery.reset_password(token, password, context.origin)
        except BadUserInput:
            return _ask_for_password(token, f"The password may have at most {MAX_LENGTH} characters")
        match outcome:
            case Changed():
                text = "Your password was changed, and all sessions have ended. Sign in with the new password."
                return _message("Your password was changed", text)
            case WeakChoice(reason):
                return _ask_for_password(token, reason)
            case _:
                return _invalid_link()

    async def show_verification(self, request: Request) -> Response:
        token = query_value(request, "token")
        values = {"action": VERIFY, "token": token}
        purposes = (Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL)
        return await self._if_valid(token, purposes, lambda: page("verify_email.html", values))

    async def verify(self, request: Request) -> Response:
        form, context = await read_form(request, self._origin), self._new_context()
        outcome = await context.recovery.verify_email(form.get("token", ""), context.origin)
        match outcome:
            case Changed():
                return _message("Your e-mail address is confirmed", "You can close this page.")
            case TakenEmail():
                return _message("Your e-mail address is not confirmed", "Another user has this e-mail address.", 409)
            case _:
                return _invalid_link()

    async def _request_reset(self, context: AuthContext, email: str) -> Response:
        try:
            await context.recovery.request_password_reset(email, context.origin)
        except BadUserInput:
            return _ask_for_address(email, "This is not an e-mail address")
        text = (
            "If a user has this e-mail address, a mail with a link is on its way. The link works for 30 minutes. If no"
            " mail arrives, look among the unwanted mails, and check the address."
        )
        return _message("Look into your mailbox", text)

    async def _if_valid(self, token: str, purposes: tuple[Purpose, ...], show: Callable[[], Response]) -> Response:
        context = self._new_context()
        is_valid = await context.recovery.link_is_valid(token, purposes, context.origin)
        return show() if is_valid else _invalid_link()


def mail_link_routes(new_context: Callable[[], AuthContext], public_url: str) -> tuple[ServiceRoute, ...]:
    """Return the routes of all pages."""
    return AccountPages(new_context, public_url).routes()


def _ask_for_address(email: str = "", error: str = "") -> Response:
    values = {"action": RESET, "email": email, "error": error}
    return page("reset_request.html", values, status=400 if error else 200)


def _ask_for_password(token: str, error: str = "") -> Response:
    values = {
        "action": RESET,
        "token": token,
        "error": error,
        "min_length": MIN_LENGTH,
        "max_length": MAX_LENGTH,
    }
    return page("reset_password.html", values, status=400 if error else 200)


def _invalid_link() -> Response:
    return page("invalid_link.html", {"message": _INVALID, "reset": RESET}, status=_GONE)


def _message(heading: str, message: str, status: int = 200) -> Response:
    return page("message.html", {"heading": heading, "message": message}, status=status)


def _reporting(handler: Callable[[Request], Awaitable[Response]]) -> Handler:
    """Return `handler` with pages for the errors that a client may see."""

    async def reported(request: Request) -> Response:
        try:
            return await handler(request)
        except ServiceError as error:
            response = _message("This did not work", error.message, error.status)
            if isinstance(error, RateLimited | Unavailable):
                response.headers["retry-after"] = str(error.retry_after)
            return response

    return reported
