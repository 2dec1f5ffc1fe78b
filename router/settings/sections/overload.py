"""`overload`: when the router refuses requests because too many requests are running."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import Count, Duration


class Overload(Section):
    """When too many requests are running, the router refuses further requests at once with 503 and `Retry-After`."""

    max_requests: Count | None = None
    """Maximum number of concurrent requests in one worker; null for no limit."""
    retry_after: Duration = 1.0
    """The `Retry-After` of the response to a refused request, rounded to whole seconds."""
    unready_after: Count = 100
    """If this number of requests is refused within `window`, /health/ready responds with 503, so that a load balancer
    uses other routers."""
    window: Duration = 5.0
    """The time in which refused requests are counted for `unready_after`."""
