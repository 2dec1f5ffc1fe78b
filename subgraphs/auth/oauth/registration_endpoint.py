"""Dynamic registration of clients (RFC 7591), for those who have an initial access token of an operator.

A token is used once, and says which scopes the client may have. Nobody can register a client without one, because the
consent page shows the name that the client has given itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bank.identity import bearer_token
from bank.scopes import OFFLINE_ACCESS
from servicekit.errors import Unauthenticated
from subgraphs.auth.action_limits import Action
from subgraphs.auth.oauth import clients
from subgraphs.auth.oauth.client_authentication import METHODS
from subgraphs.auth.oauth.clients import Client, GrantType
from subgraphs.auth.oauth.errors import OAuthError
from subgraphs.auth.oauth.responses import api, json_response
from subgraphs.auth.oauth.scope_rules import granted, scope_text
from subgraphs.auth.oauth.store import Ticket, digest
from subgraphs.kit.request_body import BodyTooLarge, CodedBody, read_body

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.kit.service_routes import ServiceRoute

REGISTER: Final = "/oauth/register"
INITIAL_ACCESS: Final = "initial-access"
_MAX_BYTES: Final = 65_536
_INVALID: Final = "invalid_client_metadata"
# A registered client may ask users for tokens. It does not get tokens for itself, which operators decide about.
_GRANT_TYPES: Final = frozenset(GrantType) - {GrantType.CLIENT_CREDENTIALS}


def routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    return (api(REGISTER, ("POST",), lambda request: _register(server(), request)),)


async def _register(server: OAuthServer, request: Request) -> Response:
    await server.services.limits.count(Action.TOKEN, server.origin())
    key = await _initial_token(server, request)
    metadata = await _metadata(request)
    ticket = await server.oauth.ticket(INITIAL_ACCESS, key)
    if ticket is None:
        raise _refused()
    secret = None if metadata.get("token_endpoint_auth_method") == "none" else clients.new_secret()
    client = _client(metadata, secret, server, frozenset(json.loads(ticket.document)))
    if found := clients.problems(client):
        wrong_uri = any("redirect URI" in problem for problem in found)
        # The problems quote URIs of the client, which may have characters that a description may not have.
        code = "invalid_redirect_uri" if wrong_uri else _INVALID
        raise OAuthError(code, "a redirect URI is not allowed" if wrong_uri else "; ".join(found))
    if await server.oauth.change_ticket(INITIAL_ACCESS, key, lambda _ticket: None) is None:
        raise _refused()
    await server.oauth.add_client(client)
    return json_response(_information(client, secret), 201)


async def _initial_token(server: OAuthServer, request: Request) -> bytes:
    """Return the digest of the token in the request. Raises OAuthError if it is not valid."""
    try:
        key = digest(bearer_token(request.headers.get("authorization", "")))
    except Unauthenticated:
        raise _refused() from None
    ticket = await server.oauth.ticket(INITIAL_ACCESS, key)
    if ticket is None or server.clock() >= ticket.expires_at:
        raise _refused()
    return key


def initial_access_ticket(token: str, scopes: frozenset[str], expires_at: datetime) -> Ticket:
    """Return the stored form of an initial access token, with which a client may register for `scopes`."""
    return Ticket(INITIAL_ACCESS, digest(token), json.dumps(sorted(scopes)), expires_at)


async def _metadata(request: Request) -> dict[str, Any]:
    try:
        metadata = json.loads((await read_body(request, _MAX_BYTES)).decode("utf-8"))
    except (BodyTooLarge, CodedBody):
        raise OAuthError(_INVALID, "the body is too long or has a content coding", status=413) from None
    except (ValueError, RecursionError):
        raise OAuthError(_INVALID, "the body is not JSON") from None
    if not isinstance(metadata, dict):
        raise OAuthError(_INVALID, "the body is not a JSON object")
    return metadata


def _client(metadata: dict[str, Any], secret: str | None, server: OAuthServer, allowed: frozenset[str]) -> Client:
    """Return the client that the metadata describes; what it does not say has the default of RFC 7591 §2."""
    if metadata.get("token_endpoint_auth_method", METHODS[0]) not in METHODS:
        raise OAuthError(_INVALID, "the token_endpoint_auth_method is not supported")
    if metadata.get("response_types", ["code"]) not in (["code"], []):
        raise OAuthError(_INVALID, "the only response_type is code")
    grant_types = frozenset(_texts(metadata, "grant_types", (GrantType.AUTHORIZATION_CODE,)))
    if not grant_types <= _GRANT_TYPES:
        raise OAuthError(_INVALID, "a grant_type is not supported")
    scope = metadata.get("scope")
    if not isinstance(scope, str | None) or not isinstance(metadata.get("client_name", ""), str):
        raise OAuthError(_INVALID, "scope or client_name is not a string")
    return Client(
        clients.new_client_id(),
        metadata.get("client_name", "Application without a name"),
        server.clock(),
        None if secret is None else clients.secret_digest(secret),
        _texts(metadata, "redirect_uris", ()),
        _texts(metadata, "post_logout_redirect_uris", ()),
        frozenset(GrantType(each) for each in grant_types),
        granted(scope, allowed if GrantType.REFRESH_TOKEN in grant_types else allowed - {OFFLINE_ACCESS}),
        requires_pushed_requests=metadata.get("require_pushed_authorization_requests") is True,
        requires_dpop=metadata.get("dpop_bound_access_tokens") is True,
    )


def _texts(metadata: dict[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    found = metadata.get(name, list(default))
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise OAuthError(_INVALID, f"{name} is not a list of strings")
    return tuple(found)


def _information(client: Client, secret: str | None) -> dict[str, object]:
    """Return the response (RFC 7591 §3.2.1). The secret does not expire."""
    return {
        "client_id": client.id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        **({} if secret is None else {"client_secret": secret, "client_secret_expires_at": 0}),
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "grant_types": sorted(client.grant_types),
        "response_types": ["code"] if GrantType.AUTHORIZATION_CODE in client.grant_types else [],
        "token_endpoint_auth_method": "none" if secret is None else METHODS[0],
        "scope": scope_text(client.scopes),
        "require_pushed_authorization_requests": client.requires_pushed_requests,
        "dpop_bound_access_tokens": client.requires_dpop,
    }


def _refused() -> OAuthError:
    headers = {"www-authenticate": 'Bearer realm="mosafe", error="invalid_token"'}
    return OAuthError("invalid_token", "the initial access token is not valid", status=401, headers=headers)
