"""What a gateway serves over HTTP: the GraphQL endpoint, alone or with health beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.server.app import GraphQLApp
from router.server.overload_protection import OverloadGuard
from servicekit.asgi import RequestIdMiddleware
from servicekit.health import HealthEndpoints

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from router.policies.limit_checker import LimitChecker
    from router.request.request_and_response import Execute
    from router.settings.model import RouterSettings
    from servicekit.asgi import ASGIApp


def graphql_endpoint(
    execute: Execute, settings: RouterSettings, close: Callable[[], Awaitable[None]], limits: LimitChecker
) -> OverloadGuard:
    """The GraphQL endpoint, with its bound on concurrent requests."""
    return OverloadGuard(GraphQLApp(execute, settings, close, limits), settings)


def with_health(endpoint: OverloadGuard) -> ASGIApp:
    """The endpoint with `/health/live` and `/health/ready` beside it; each request gets an id."""

    async def has_capacity() -> None:
        endpoint.check()

    return RequestIdMiddleware(HealthEndpoints(endpoint, {"capacity": has_capacity}), access_log=False)
