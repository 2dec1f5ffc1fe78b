"""The discovery documents (RFC 8414, OpenID Connect Discovery): what the server can do, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bank.identity import ACR_MFA, ACR_PASSKEY, ACR_PASSWORD
from subgraphs.auth.oauth.authorization_endpoint import AUTHORIZE
from subgraphs.auth.oauth.client_authentication import METHODS
from subgraphs.auth.oauth.clients import GrantType
from subgraphs.auth.oauth.device_flow import DEVICE_AUTHORIZATION
from subgraphs.auth.oauth.dpop import ALGORITHMS
from subgraphs.auth.oauth.issued_tokens import INTROSPECT, REVOKE
from subgraphs.auth.oauth.logout_endpoint import LOGOUT
from subgraphs.auth.oauth.pushed_requests import PAR
from subgraphs.auth.oauth.registration_endpoint import REGISTER
from subgraphs.auth.oauth.responses import api, json_response
from subgraphs.auth.oauth.scope_rules import DESCRIPTIONS
from subgraphs.auth.oauth.token_endpoint import TOKEN
from subgraphs.auth.oauth.userinfo_endpoint import USERINFO

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.kit.service_routes import ServiceRoute

PATHS: Final = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
_AGE: Final = 300


def metadata(server: OAuthServer) -> dict[str, Any]:
    """Return the document. Its `issuer` is exactly the claim `iss` of the tokens."""
    return {
        "issuer": server.issuer,
        "authorization_endpoint": server.url(AUTHORIZE),
        "token_endpoint": server.url(TOKEN),
        "userinfo_endpoint": server.url(USERINFO),
        "revocation_endpoint": server.url(REVOKE),
        "introspection_endpoint": server.url(INTROSPECT),
        "end_session_endpoint": server.url(LOGOUT),
        "pushed_authorization_request_endpoint": server.url(PAR),
        "device_authorization_endpoint": server.url(DEVICE_AUTHORIZATION),
        "registration_endpoint": server.url(REGISTER),
        "jwks_uri": server.url("/.well-known/jwks.json"),
        "scopes_supported": list(DESCRIPTIONS),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [each.value for each in GrantType],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "EdDSA"],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "introspection_endpoint_auth_methods_supported": [method for method in METHODS if method != "none"],
        "require_pushed_authorization_requests": False,
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "acr_values_supported": [ACR_PASSWORD, ACR_MFA, ACR_PASSKEY],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "name", "email"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }


def routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    async def document(_request: Request) -> Response:
        return json_response(metadata(server()), headers={"cache-control": f"public, max-age={_AGE}", "pragma": ""})

    return tuple(api(path, ("GET", "HEAD"), document) for path in PATHS)
