"""Builds the ASGI application of a gateway: the GraphQL endpoint, the pages for browsers, and the health endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.server.graphql_http_app import GraphQLApp
from router.server.log_sampling import LogSampling
from router.server.overload_protection import OverloadGuard
from router.server.pages.ide_pages import IdePages
from servicekit.access_log import RequestIdMiddleware
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
    """Return the GraphQL endpoint. It runs at most `overload.max_requests` requests at once.

    If `ide.enabled` is true, the endpoint also has the pages for browsers (package `pages`).
    """
    sampling = LogSampling(settings.logging.requests)
    graphql = GraphQLApp(execute, settings, close, limits, sampling if sampling.one_in > 1 else None)
    app: ASGIApp = IdePages(graphql, settings) if settings.ide.enabled else graphql
    return OverloadGuard(app, settings, graphql.direct, sampling)


def with_health(endpoint: OverloadGuard) -> ASGIApp:
    """Return an application that adds `/health/live` and `/health/ready` to `endpoint`, and an id to each request."""

    async def has_capacity() -> None:
        endpoint.check()

    return RequestIdMiddleware(HealthEndpoints(endpoint, {"capacity": has_capacity}), access_log=False)
