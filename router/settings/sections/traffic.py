"""`traffic`: time limits, connections and content codings of requests to subgraphs."""

# ruff: noqa: TC001, TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping

from router.settings.section import Section
from router.settings.types import ContentCoding, Count, Duration, FilePath, SharedQueries


class SubgraphTraffic(Section):
    """How requests to one subgraph are sent. If a key is missing here, the value in `traffic.all` applies."""

    timeout: Duration | None = None
    """Time limit for one fetch, including the wait for a connection."""
    max_connections: Count | None = None
    """Maximum number of connections to the subgraph. Further fetches wait for a free connection."""
    max_waiting: Count | None = None
    """Maximum number of fetches that wait for a connection. Further fetches fail at once."""
    idle_timeout: Duration | None = None
    """How long an idle connection to a subgraph stays open."""
    max_response_bytes: Count | None = None
    """Maximum size of the body of a response, both as the subgraph sends it and after decompression. The number of JSON
    values in a response is also limited: to a million, or to one for each 64 bytes of this limit if that is more."""
    certificate_authority: FilePath | None = None
    """A PEM file with the certificate authorities to trust for https, instead of those of the system."""
    accept_encodings: tuple[ContentCoding, ...] | None = None
    """Content codings in which the subgraph may compress responses, best first."""
    share_queries: SharedQueries | None = None
    """Which identical queries (same headers and variables) the router sends only once if they run at the same time.
    `anonymous`: those of clients without a credential, such as `Authorization` or `Cookie`. `all`: also those with the
    same credential. Warning: with `all`, a client whose session has just ended can still get the response to a query
    that was sent before. `false`: none."""
    longest_retry_after: Duration | None = None
    """After a response with 503 and `Retry-After`, the router sends the subgraph no requests for the time in this
    header, but not longer than the time in this key."""


class AllTraffic(Section):
    """How requests to every subgraph are sent."""

    timeout: Duration = 30.0
    """Time limit for one fetch, including the wait for a connection."""
    max_connections: Count = 100
    """Maximum number of connections to one subgraph. Further fetches wait for a free connection."""
    max_waiting: Count = 1_000
    """Maximum number of fetches that wait for a connection to one subgraph. Further fetches fail at once with
    SUBREQUEST_HTTP_ERROR and `retryAfter`."""
    idle_timeout: Duration = 50.0
    """How long an idle connection to a subgraph stays open."""
    max_response_bytes: Count = 64 * 1024 * 1024
    """Maximum size of the body of a response, both as the subgraph sends it and after decompression. The number of JSON
    values in a response is also limited: to a million, or to one for each 64 bytes of this limit if that is more."""
    certificate_authority: FilePath | None = None
    """A PEM file with the certificate authorities to trust for https, instead of those of the system."""
    accept_encodings: tuple[ContentCoding, ...] = ()
    """Content codings in which subgraphs may compress responses, best first. By default there are none, because
    compression in a local network takes more time than it saves."""
    share_queries: SharedQueries = "anonymous"
    """Which identical queries (same headers and variables) the router sends only once if they run at the same time.
    `anonymous`: those of clients without a credential, such as `Authorization` or `Cookie`. `all`: also those with the
    same credential. Warning: with `all`, a client whose session has just ended can still get the response to a query
    that was sent before. `false`: none."""
    longest_retry_after: Duration | None = 30.0
    """After a response with 503 and `Retry-After`, the router sends the subgraph no requests for the time in this
    header, but not longer than the time in this key. With null, the router ignores the header."""


class Traffic(Section):
    """Time limits and connections of requests to subgraphs."""

    request_timeout: Duration = 60.0
    """Time limit of a client's request, from its first byte to its response. After this time, the
    fetches and all other work of the request are cancelled."""
    all: AllTraffic = AllTraffic()
    """How requests to every subgraph are sent."""
    subgraphs: Mapping[str, SubgraphTraffic] = {}
    """For each subgraph name, how requests to this subgraph are sent."""

    def of(self, subgraph: str) -> AllTraffic:
        """Return the settings of one subgraph. If a key is not set in `subgraphs`, the value in `all` applies."""
        own = self.subgraphs.get(subgraph)
        return self.all if own is None else self.all.model_copy(update=own.model_dump(exclude_none=True))
