"""Responses of the authorization server, and the handling of its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, RedirectResponse, Response

from servicekit.errors import RateLimited, ServiceError, TimedOut, Unavailable
from subgraphs.auth.oauth.errors import AuthorizationError, OAuthError, UnverifiedRequest
from subgraphs.auth.pages import rendering
from subgraphs.kit.service_routes import ServiceRoute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from subgraphs.kit.service_routes import Handler

_NOT_KEPT: Final = {"cache-control": "no-store", "pragma": "no-cache"}
# Scripts of every origin may call the endpoints that need no cookie. Credentials of browsers are not sent to them.
_ANY_ORIGIN: Final = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "dpop-nonce, www-authenticate",
}
_PREFLIGHT: Final = {
    **_ANY_ORIGIN,
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "authorization, content-type, dpop",
    "access-control-max-age": "600",
}


def json_response(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(content, status, headers={**_NOT_KEPT, **(headers or {})})


def redirect(url: str) -> Response:
    """Return a redirect that turns a POST into a GET, so that no form is sent to the other site."""
    return RedirectResponse(url, 303, headers=rendering.headers())


def api(path: str, methods: tuple[str, ...], handler: Handler) -> ServiceRoute:
    """Return the route of an endpoint for clients: errors are JSON, and scripts of every origin may call it."""

    async def handle(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_PREFLIGHT)
        try:
            response = await handler(request)
        except OAuthError as error:
            response = _refusal(error)
        except ServiceError as error:
            response = _fault(error)
        response.headers.update(_ANY_ORIGIN)
        return response

    return ServiceRoute(path, (*methods, "OPTIONS"), handle)


def browser_page(path: str, methods: tuple[str, ...], handler: Handler) -> ServiceRoute:
    """Return the route of a page for a person: errors are pages."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except AuthorizationError as error:
            return redirect(error.url)
        except UnverifiedRequest as error:
            return message_page("This link does not work", error.message, status=400)
        except OAuthError as error:
            shown = f"The request is not valid: {error.description}."
            return message_page("This link does not work", shown, status=error.status)
        except RateLimited as error:
            return message_page("Please wait", _wait(error), status=429, headers=_retry(error))
        except ServiceError as error:
            shown = "The bank cannot do this right now. Please try again later."
            return message_page("Please try again later", shown, status=error.status, headers=_retry(error))

    return ServiceRoute(path, methods, handle)


def message_page(
    heading: str, message: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    response = rendering.page("message.html", {"heading": heading, "message": message}, status=status)
    response.headers.update(headers or {})
    return response


def wait_text(error: RateLimited) -> str:
    """Return a sentence that says how long the user must wait."""
    return _wait(error)


def _wait(error: RateLimited) -> str:
    return f"There were too many attempts. Try again in {error.retry_after} seconds."


def _refusal(error: OAuthError) -> Response:
    content = {"error": error.code, "error_description": error.description}
    return json_response(content, error.status, error.headers)


def _fault(error: ServiceError) -> Response:
    """Return the response for an error that is not the client's. RFC 6749 §4.1.2.1 has names for two of them."""
    code = "temporarily_unavailable" if isinstance(error, RateLimited | Unavailable | TimedOut) else "server_error"
    return json_response({"error": code, "error_description": error.message}, error.status, _retry(error))


def _retry(error: ServiceError) -> dict[str, str]:
    if isinstance(error, RateLimited):
        return {
            "retry-after": str(error.retry_after),
            **({} if error.policy is None else {"ratelimit-policy": error.policy}),
        }
    return {"retry-after": str(error.retry_after)} if isinstance(error, Unavailable | TimedOut) else {}
