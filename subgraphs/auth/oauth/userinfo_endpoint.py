"""The userinfo endpoint: claims about the user of an access token (OpenID Connect Core §5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bank.scopes import OPENID
from servicekit.errors import Unauthenticated
from subgraphs.auth.oauth.errors import OAuthError
from subgraphs.auth.oauth.oauth_tokens import user_claims
from subgraphs.auth.oauth.responses import api, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.kit.service_routes import ServiceRoute

USERINFO: Final = "/oauth/userinfo"


def routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    return (api(USERINFO, ("GET", "POST"), lambda request: _userinfo(server(), request)),)


async def _userinfo(server: OAuthServer, request: Request) -> Response:
    try:
        caller = await server.verifier.caller(request.headers.get("authorization"))
    except Unauthenticated:
        raise _refused("invalid_token", "the access token is not valid", 401) from None
    if caller is None:
        # Without an error code, because the client sent no token (RFC 6750 §3.1).
        return json_response({}, 401, {"www-authenticate": 'Bearer realm="mosafe"'})
    if OPENID not in caller.scopes:
        raise _refused("insufficient_scope", "the access token needs the scope openid", 403)
    user = (await server.store.users([caller.user_id])).get(caller.user_id)
    if user is None:
        raise _refused("invalid_token", "the access token is not valid", 401)
    return json_response({"sub": user.id, **user_claims(user, caller.scopes)})


def _refused(code: str, description: str, status: int) -> OAuthError:
    challenge = f'Bearer realm="mosafe", error="{code}", error_description="{description}"'
    return OAuthError(code, description, status=status, headers={"www-authenticate": challenge})
