"""`server`: where the router listens, and with how many processes."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from pydantic import Field

from router.settings.section import Section
from router.settings.types import Count, Duration, Port, UrlPath


class Server(Section):
    """Where the router listens, and with how many processes."""

    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on. Without this key, the environment variable MOSAFE_HOST."""
    port: Port = 4000
    """Port to listen on, 0 for a free port. Without this key, the environment variable ROUTER_PORT."""
    path: UrlPath = "/graphql"
    """Path of the GraphQL endpoint."""
    head_timeout: Duration = 30.0
    """Time limit for the request line and headers, from the start of the connection or from the first byte."""
    keep_alive_timeout: Duration = 75.0
    """How long an idle connection of a client stays open. The default is longer than in most clients, so that clients
    close first."""
    keep_alive_requests: Count | None = None
    """Number of requests after which a connection is closed, so that clients connect to new routers; null for no limit.
    """
    workers: Count = 1
    """Number of worker processes, one for each core to use. Workers share only the port. `--workers` overrides
    this key."""
    drain_timeout: Duration = 30.0
    """How long running requests may continue after a stop signal. Without this key, the environment variable
    MOSAFE_SHUTDOWN_SECONDS."""
