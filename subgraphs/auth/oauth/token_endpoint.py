"""The token endpoint (RFC 6749 §3.2): exchanges codes, refresh tokens and client credentials for tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bank.scopes import OPENID
from servicekit.finish_despite_cancellation import to_the_end
from subgraphs.auth.action_limits import Action
from subgraphs.auth.oauth import dpop, parameters
from subgraphs.auth.oauth.client_authentication import authenticated_client
from subgraphs.auth.oauth.clients import Client, GrantType
from subgraphs.auth.oauth.codes import CodeExchange
from subgraphs.auth.oauth.device_flow import exchange_device_code
from subgraphs.auth.oauth.errors import (
    INVALID_REQUEST,
    UNAUTHORIZED_CLIENT,
    UNSUPPORTED_GRANT_TYPE,
    OAuthError,
)
from subgraphs.auth.oauth.oauth_tokens import Narrowing
from subgraphs.auth.oauth.responses import api, json_response
from subgraphs.auth.oauth.scope_rules import MACHINE_SCOPES, granted, scope_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.oauth.grants import LiveGrant
    from subgraphs.auth.oauth.parameters import Parameters
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.auth.tokens import AccessToken
    from subgraphs.kit.service_routes import ServiceRoute

TOKEN: Final = "/oauth/token"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class _TokenRequest:
    """A request of an authenticated client.

    Attributes:
        jkt: the thumbprint of the key of the DPoP proof; None without a proof.
    """

    server: OAuthServer
    client: Client
    form: Parameters
    jkt: str | None = None

    def parameter(self, name: str) -> str:
        """Return a parameter that must be there."""
        value = self.form.get(name)
        if value is None:
            raise OAuthError(INVALID_REQUEST, f"{name} is missing")
        return value


def routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    return (api(TOKEN, ("POST",), lambda request: _token(server(), request)),)


async def _token(server: OAuthServer, request: Request) -> Response:
    attempt = await server.services.limits.count(Action.TOKEN, server.origin())
    form = await parameters.form_of(request)
    async with attempt.given_back_unless_counted():
        client = await authenticated_client(server.oauth, request, form)
        if not client.is_public:
            # Anybody can pretend to be a public client, and must not use up its limit.
            await server.services.limits.count_account(Action.TOKEN, client.id)
    wanted = _TokenRequest(server, client, form, await dpop.key_of_request(server, request, TOKEN, client))
    grant_type = wanted.parameter("grant_type")
    if grant_type not in _GRANTS:
        raise OAuthError(UNSUPPORTED_GRANT_TYPE, "the grant_type is not supported")
    if grant_type not in client.grant_types:
        raise OAuthError(UNAUTHORIZED_CLIENT, "the client may not use this grant_type")
    # What is stored about a code or token and what the client receives must not fall apart.
    response = await to_the_end(_GRANTS[grant_type](wanted))
    response.headers.update(dpop.next_nonce(server, request))
    return response


async def _by_code(wanted: _TokenRequest) -> Response:
    exchange = CodeExchange(wanted.form.get("redirect_uri"), wanted.form.get("code_verifier"), wanted.jkt)
    if exchange.verifier is None:
        raise OAuthError(INVALID_REQUEST, "code_verifier is missing (PKCE)")
    live = await wanted.server.grants.exchange_code(wanted.parameter("code"), wanted.client, exchange)
    return await respond(wanted.server, live, Narrowing(live.grant.scopes, wanted.jkt))


async def _by_refresh_token(wanted: _TokenRequest) -> Response:
    token = wanted.parameter("refresh_token")
    live = await wanted.server.grants.refresh(token, wanted.client, wanted.jkt, wanted.form.get("scope"))
    scopes = granted(wanted.form.get("scope"), live.grant.scopes)
    return await respond(wanted.server, live, Narrowing(scopes, wanted.jkt))


async def _by_device_code(wanted: _TokenRequest) -> Response:
    code = wanted.parameter("device_code")
    live = await exchange_device_code(wanted.server, code, wanted.client, wanted.jkt)
    return await respond(wanted.server, live, Narrowing(live.grant.scopes, wanted.jkt))


async def _for_itself(wanted: _TokenRequest) -> Response:
    allowed = wanted.client.scopes & MACHINE_SCOPES
    narrowing = Narrowing(granted(wanted.form.get("scope"), allowed), wanted.jkt)
    access = await wanted.server.tokens.machine_token(wanted.client, narrowing)
    return json_response(_access(access, narrowing))


async def respond(server: OAuthServer, live: LiveGrant, narrowing: Narrowing) -> Response:
    """Return the tokens of a grant (RFC 6749 §5.1).

    If the user must have a second factor and has not shown one, the access token does not reach the bank.
    """
    requirement, authentication = server.services.second_factors.requirement, live.session.authentication
    narrowing = replace(narrowing, scopes=requirement.allowed(narrowing.scopes, live.user.roles, authentication))
    access = await server.tokens.access_token(live, narrowing)
    content = _access(access, narrowing)
    if live.refresh_token is not None:
        content["refresh_token"] = live.refresh_token
    if OPENID in narrowing.scopes:
        content["id_token"] = await server.tokens.id_token(live)
    return json_response(content)


def _access(access: AccessToken, narrowing: Narrowing) -> dict[str, object]:
    return {
        "access_token": access.text,
        "token_type": "Bearer" if narrowing.jkt is None else "DPoP",
        "expires_in": access.expires_in,
        "scope": scope_text(narrowing.scopes),
    }


_GRANTS: Final[Mapping[str, Callable[[_TokenRequest], Awaitable[Response]]]] = MappingProxyType(
    {
        GrantType.AUTHORIZATION_CODE: _by_code,
        GrantType.REFRESH_TOKEN: _by_refresh_token,
        GrantType.CLIENT_CREDENTIALS: _for_itself,
        GrantType.DEVICE_CODE: _by_device_code,
    }
)
