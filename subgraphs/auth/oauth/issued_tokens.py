"""Introspection and revocation of tokens (RFC 7662, RFC 7009)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import jwt
from starlette.responses import Response

from servicekit.errors import Unauthenticated
from servicekit.finish_despite_cancellation import to_the_end
from subgraphs.auth.action_limits import Action
from subgraphs.auth.oauth import parameters
from subgraphs.auth.oauth.client_authentication import authenticated_client
from subgraphs.auth.oauth.errors import INVALID_REQUEST, InvalidClient, OAuthError
from subgraphs.auth.oauth.responses import api, json_response
from subgraphs.auth.oauth.scope_rules import scope_text
from subgraphs.auth.oauth.store import digest, family_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from subgraphs.auth.oauth.clients import Client
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.auth.oauth.store import Grant
    from subgraphs.kit.service_routes import ServiceRoute

INTROSPECT: Final = "/oauth/introspect"
REVOKE: Final = "/oauth/revoke"

_SHOWN: Final = ("iss", "aud", "sub", "client_id", "scope", "exp", "iat", "jti", "acr", "auth_time", "cnf")
_INACTIVE: Final[dict[str, object]] = {"active": False}


def routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    """Return the routes of both endpoints."""
    return (
        api(INTROSPECT, ("POST",), lambda request: _introspect(server(), request)),
        api(REVOKE, ("POST",), lambda request: _revoke(server(), request)),
    )


async def _read(server: OAuthServer, request: Request) -> tuple[Client, str]:
    """Return the client and the token that it sent."""
    await server.services.limits.count(Action.TOKEN, server.origin())
    form = await parameters.form_of(request)
    client = await authenticated_client(server.oauth, request, form)
    if "token" not in form:
        raise OAuthError(INVALID_REQUEST, "token is missing")
    return client, form["token"]


async def _introspect(server: OAuthServer, request: Request) -> Response:
    """Say what a token is. A client learns about its own tokens only; every other token is inactive (RFC 7662 §4)."""
    client, token = await _read(server, request)
    if client.is_public:
        raise InvalidClient
    claims = await _claims(server, token, client)
    if claims is not None:
        shown: dict[str, object] = {name: claims[name] for name in _SHOWN if name in claims}
        return json_response({"active": True, "token_type": "DPoP" if "cnf" in claims else "Bearer", **shown})
    grant = await _grant_of(server, token, client)
    live = None if grant is None else await server.store.session(grant.session_id)
    if grant is None or live is None or not live[0].is_live(server.clock()):
        return json_response(_INACTIVE)
    return json_response(
        {
            "active": True,
            "client_id": client.id,
            "sub": grant.user_id,
            "scope": scope_text(grant.scopes),
            "exp": int(live[0].expires_at.timestamp()),
            "iss": server.issuer,
        }
    )


async def _revoke(server: OAuthServer, request: Request) -> Response:
    """End the grant of a token. A token that is unknown or of another client changes nothing (RFC 7009 §2.2)."""
    client, token = await _read(server, request)
    grant = await _grant_of(server, token, client)
    if grant is None:
        claims = await _claims(server, token, client)
        grant = None if claims is None else await server.oauth.grant(claims["sid"])
    if grant is not None:
        # The access and refresh tokens of a grant belong to one session, so all of them end.
        await to_the_end(server.grants.end(grant.session_id))
    return Response(status_code=200, headers={"cache-control": "no-store"})


async def _grant_of(server: OAuthServer, refresh_token: str, client: Client) -> Grant | None:
    """Return the grant of a refresh token of this client. The token may have been exchanged, or have expired."""
    session_id = await server.oauth.session_of_refresh_token(digest(refresh_token), family_digest(refresh_token))
    grant = None if session_id is None else await server.oauth.grant(session_id)
    return grant if grant is not None and grant.client_id == client.id else None


async def _claims(server: OAuthServer, token: str, client: Client) -> dict[str, Any] | None:
    """Return the claims of a valid access token of this client, or None."""
    try:
        caller = await server.verifier.holder(token)
    except Unauthenticated:
        return None
    if caller.client_id != client.id:
        return None
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims
