"""The userinfo endpoint: claims about the user of an access token (OpenID Connect Core §5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bank.identity import bearer_token
from bank.scopes import OPENID
from servicekit.dpop.nonces import USE_DPOP_NONCE
from servicekit.dpop.proofs import SCHEME, InvalidProof
from servicekit.errors import Unauthenticated
from subgraphs.auth.oauth import dpop
from subgraphs.auth.oauth.errors import OAuthError
from subgraphs.auth.oauth.oauth_tokens import user_claims
from subgraphs.auth.oauth.responses import api, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from bank.identity import Caller
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.kit.service_routes import ServiceRoute

USERINFO: Final = "/oauth/userinfo"
_BEARER: Final = 'Bearer realm="mosafe"'
_DPOP: Final = f'DPoP realm="mosafe", algs="{" ".join(dpop.ALGORITHMS)}"'


def routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    return (api(USERINFO, ("GET", "POST"), lambda request: _userinfo(server(), request)),)


async def _userinfo(server: OAuthServer, request: Request) -> Response:
    authorization = request.headers.get("authorization")
    if authorization is None:
        # Without an error code, because the client sent no token (RFC 6750 §3.1).
        return json_response({}, 401, {"www-authenticate": f"{_BEARER}, {_DPOP}"})
    if authorization.partition(" ")[0].lower() == SCHEME:
        caller = await _owner_of_key(server, request, authorization.partition(" ")[2].strip(" "))
    else:
        caller = await _bearer(server, authorization)
    challenge = _BEARER if caller.key_thumbprint is None else _DPOP
    if OPENID not in caller.scopes:
        raise _refused("insufficient_scope", "the access token needs the scope openid", 403, challenge)
    user = (await server.store.users([caller.user_id])).get(caller.user_id)
    if user is None:
        raise _not_valid(challenge)
    claims = {"sub": user.id, **user_claims(user, caller.scopes)}
    return json_response(claims, headers=dpop.next_nonce(server, request))


async def _bearer(server: OAuthServer, authorization: str) -> Caller:
    try:
        return await server.verifier.verify(bearer_token(authorization))
    except Unauthenticated:
        raise _not_valid(_BEARER) from None


async def _owner_of_key(server: OAuthServer, request: Request, token: str) -> Caller:
    """Return the caller of a token that is bound to a key, after the check of the proof (RFC 9449 §7.1)."""
    try:
        caller = await server.verifier.holder(token)
    except Unauthenticated:
        raise _not_valid(_DPOP) from None
    if caller.key_thumbprint is None:
        raise _not_valid(_DPOP)
    try:
        await dpop.check_use(server, request, USERINFO, (token, caller.key_thumbprint))
    except InvalidProof as error:
        description = f"the DPoP proof is not valid: {error.reason}"
        raise _refused(dpop.INVALID_DPOP_PROOF, description, 401, _DPOP) from None
    except dpop.NonceMissing as missing:
        raise missing.refusal(401, _challenge(USE_DPOP_NONCE, dpop.NONCE_DESCRIPTION, _DPOP)) from None
    return caller


def _not_valid(challenge: str) -> OAuthError:
    return _refused("invalid_token", "the access token is not valid", 401, challenge)


def _refused(code: str, description: str, status: int, challenge: str) -> OAuthError:
    return OAuthError(code, description, status=status, headers=_challenge(code, description, challenge))


def _challenge(code: str, description: str, challenge: str) -> dict[str, str]:
    return {"www-authenticate": f'{challenge}, error="{code}", error_description="{description}"'}
