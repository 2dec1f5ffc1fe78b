"""The whole HTTP interface of an embedded router: GraphQL and health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicekit.asgi import RequestContextMiddleware
from servicekit.health import HealthEndpoints

if TYPE_CHECKING:
    from router.server.overload import Overload
    from servicekit.asgi import ASGIApp


def with_health(endpoint: Overload) -> ASGIApp:
    """The endpoint with `/health/live` and `/health/ready` beside it; each request gets an id."""

    async def has_capacity() -> None:
        endpoint.check()

    return RequestContextMiddleware(HealthEndpoints(endpoint, {"capacity": has_capacity}), access_log=False)
