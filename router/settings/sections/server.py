"""`server`: where the router listens, and with how many processes."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from typing import Literal

from pydantic import Field

from router.settings.section import Section
from router.settings.types import Count, Duration, Networks, Port, UrlPath


class Server(Section):
    """Where the router listens, and with how many processes."""

    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on. If this key is missing, the environment variable MOSAFE_HOST has the address."""
    port: Port = 4000
    """Port to listen on, 0 for a free port. If this key is missing, the environment variable ROUTER_PORT has the
    port."""
    path: UrlPath = "/graphql"
    """Path of the GraphQL endpoint."""
    head_timeout: Duration = 30.0
    """Time limit for receiving the request line and headers. The time starts when the connection is opened. For a later
    request on the same connection, it starts with the first byte of the request."""
    keep_alive_timeout: Duration = 75.0
    """How long an idle connection of a client stays open, and how long a client may leave a response unread. The
    default is longer than most clients keep idle connections, so that the client closes the connection first."""
    keep_alive_requests: Count | None = None
    """Number of requests after which the router closes a connection; null for no limit. Clients then open a new
    connection, which can reach a router that was added to the deployment."""
    max_connections: Count = 1_000
    """Maximum number of connections of one process. If there are more, the router closes the connection whose client
    has been silent longest. Each connection needs an open file, so the router raises the limit of open
    files of its process if the system allows this. If the raised limit is still too low, the maximum number of
    connections is reduced."""
    trusted_proxies: Networks = "127.0.0.0/8,::1/128"
    """Networks of proxies whose `X-Forwarded-For` the router trusts, separated by commas; `none` for no proxy. If this
    key is missing, the environment variable MOSAFE_TRUSTED_PROXIES has the networks. If a rule in `headers` propagates
    `X-Forwarded-For`, subgraphs get only the addresses that trusted proxies have added, and the address at the other
    end of the connection."""
    http_server: Literal["built_in", "uvicorn"] = "built_in"
    """Which implementation reads the requests of clients. `built_in` takes less processor time; `uvicorn` is the widely
    used server. Both have the same limits. A change takes effect when the router is started again."""
    workers: Count = 1
    """Number of worker processes. Use one for each processor core. The workers share the port, but no caches or other
    data. The option `--workers` overrides this key."""
    drain_timeout: Duration = 30.0
    """How long running requests may continue after a stop signal. If this key is missing, the environment
    variable MOSAFE_SHUTDOWN_SECONDS has the time."""
