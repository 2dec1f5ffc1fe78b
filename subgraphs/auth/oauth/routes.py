"""All routes of the authorization server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgraphs.auth.oauth import (
    authorization_endpoint,
    device_flow,
    device_pages,
    discovery,
    issued_tokens,
    logout_endpoint,
    pushed_requests,
    registration_endpoint,
    token_endpoint,
    userinfo_endpoint,
)
from subgraphs.auth.pages.static_files import static_routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.kit.service_routes import ServiceRoute


def oauth_routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    """Return the routes. `server` returns the running server; it raises Unavailable before the start-up."""
    return (
        *discovery.routes(server),
        *authorization_endpoint.routes(server),
        *token_endpoint.routes(server),
        *userinfo_endpoint.routes(server),
        *issued_tokens.routes(server),
        *logout_endpoint.routes(server),
        *pushed_requests.routes(server),
        *device_flow.routes(server),
        *device_pages.routes(server),
        *registration_endpoint.routes(server),
        *static_routes(),
    )
