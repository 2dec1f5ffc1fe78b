"""`server`: where the router listens, and with how many processes."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from pydantic import Field

from router.settings.section import Section
from router.settings.types import Count, Duration, Port, UrlPath


class Server(Section):
    """Where the router listens, and with how many processes."""

    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on; without the key, MOSAFE_HOST."""
    port: Port = 4000
    """Port to listen on, 0 for a free port; without the key, ROUTER_PORT."""
    path: UrlPath = "/graphql"
    """Path of the GraphQL endpoint."""
    head_timeout: Duration = 30.0
    """How long the request line and headers may take to arrive, counted from the connection or from the first byte."""
    keep_alive_timeout: Duration = 75.0
    """How long an idle connection of a client is kept open. It is longer than clients keep theirs, so that the client
    closes first."""
    keep_alive_requests: Count | None = None
    """Requests on one connection before it is closed, so that clients move to new routers; null for no limit."""
    workers: Count = 1
    """Number of worker processes, one for each core to use. They share only the port. `--workers` overrides it."""
    drain_timeout: Duration = 30.0
    """How long requests in flight may still run after a stop signal; without the key,
    MOSAFE_SHUTDOWN_SECONDS."""
