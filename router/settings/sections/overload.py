"""`overload`: when the router refuses requests because too many requests are running."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import Count, Duration


class Overload(Section):
    """When too many requests are running, others wait. If many wait, they are refused with 503 after `max_wait`."""

    max_requests: Count | None = None
    """Maximum number of concurrent requests in one worker; null for no limit."""
    busy_duration: Duration | None = 0.25
    """How long requests may take on average while the processor has more to do than it can. If they take longer, fewer
    requests run at the same time, but at least 16; null for no such limit."""
    max_wait: Duration = 0.5
    """How long a request may wait until it can run, while more than 64 requests (or `max_requests`, if that is less)
    run and wait; fewer wait as long as their clients. The oldest runs first; once one of many waits for 100 ms, the
    newest. A request does not wait if a server other than `router serve` runs the ASGI application of a gateway."""
    retry_after: Duration = 1.0
    """The `Retry-After` of the response to a refused request, rounded to whole seconds."""
    unready_after: Count = 100
    """If this number of requests is refused within `window`, /health/ready responds with 503, so that a load balancer
    uses other routers."""
    window: Duration = 5.0
    """The time in which refused requests are counted for `unready_after`."""
