"""The route that exchanges an API key for an access token. Services call it, and machines may call it themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from bank.api_keys import KEY, TOKEN_PATH, authorization_of
from bank.identity import bearer_token
from servicekit import client_address
from servicekit.errors import RateLimited, ServiceError, Unauthenticated
from subgraphs.auth.action_limits import Action
from subgraphs.auth.attempts import Origin
from subgraphs.kit.service_routes import ServiceRoute

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from bank.api_keys import ExchangedToken
    from subgraphs.auth.action_limits import ActionLimits
    from subgraphs.auth.api_keys.api_key_service import ApiKeyService

_NO_STORE = {"cache-control": "no-store"}


def api_key_token_route(
    parts: Callable[[], tuple[ApiKeyService, ActionLimits, bool]],
) -> ServiceRoute:
    """Create the route `POST /api-keys/token`. The response has the form of RFC 6749 §5.1 and §5.2.

    `parts` returns the use cases, the rate limits, and whether limits also apply to the loopback address.
    """

    async def token(request: Request) -> Response:
        service, limits, limits_loopback = parts()
        try:
            origin = Origin.of(client_address.current().client, limits_loopback=limits_loopback)
            exchanged = await _exchange(request, service, limits, origin)
        except ServiceError as error:
            return _refusal(error)
        document = {
            "access_token": exchanged.text,
            "token_type": "Bearer",
            "expires_in": int(exchanged.expires_in),
        }
        return JSONResponse(document, headers=_NO_STORE)

    return ServiceRoute(TOKEN_PATH, ("POST",), token)


async def _exchange(request: Request, service: ApiKeyService, limits: ActionLimits, origin: Origin) -> ExchangedToken:
    key = bearer_token(authorization_of(request.headers) or "")
    match = KEY.fullmatch(key)
    if match is None:
        raise Unauthenticated
    await limits.count(Action.TOKEN, origin, account=match[1])
    return await service.exchange(key)


def _refusal(error: ServiceError) -> JSONResponse:
    headers = dict(_NO_STORE)
    code = "temporarily_unavailable"
    if isinstance(error, Unauthenticated):
        code, headers["www-authenticate"] = "invalid_client", "Bearer"
    if isinstance(error, RateLimited):
        headers["retry-after"] = str(error.retry_after)
    return JSONResponse({"error": code}, status_code=error.status, headers=headers)
