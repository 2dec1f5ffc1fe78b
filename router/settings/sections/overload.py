"""`overload`: when requests are refused because too many are running."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import Count, Duration


class Overload(Section):
    """When too many requests are running, further requests are refused at once with 503 and `Retry-After`."""

    max_requests: Count | None = None
    """Number of concurrent requests in one worker; null for no limit."""
    retry_after: Duration = 1.0
    """The value of `Retry-After`, rounded to whole seconds."""
    unready_after: Count = 100
    """Number of refusals within `window` after which /health/ready is 503, so that a load balancer uses other routers.
    """
    window: Duration = 5.0
    """The time window in which refusals are counted."""
