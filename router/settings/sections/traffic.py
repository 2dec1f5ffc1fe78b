"""`traffic`: time limits, connections and content codings between the router and its subgraphs."""

# ruff: noqa: TC001, TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping

from router.settings.section import Section
from router.settings.types import ContentCoding, Count, Duration, FilePath


class SubgraphTraffic(Section):
    """Requests to one subgraph; an absent key has the value of `traffic.all`."""

    timeout: Duration | None = None
    """Time limit for one fetch, including the wait for a connection."""
    max_connections: Count | None = None
    """Number of connections at once; further fetches wait."""
    idle_timeout: Duration | None = None
    """How long an idle connection is kept open."""
    max_response_bytes: Count | None = None
    """The largest response that is read, both as sent and as decoded."""
    certificate_authority: FilePath | None = None
    """A PEM file that replaces the system's trust store for https."""
    accept_encodings: tuple[ContentCoding, ...] | None = None
    """Content codings that the subgraph may use, best first."""
    share_queries: bool | None = None
    """Whether identical queries to it (same headers and variables) that are in flight at the same time are sent only
    once."""
    longest_retry_after: Duration | None = None
    """The longest pause after a 503 with `Retry-After`."""


class AllTraffic(Section):
    """Requests to every subgraph."""

    timeout: Duration = 30.0
    """Time limit for one fetch, including the wait for a connection."""
    max_connections: Count = 100
    """Number of connections to one subgraph at once; further fetches wait."""
    idle_timeout: Duration = 50.0
    """How long an idle connection is kept open."""
    max_response_bytes: Count = 64 * 1024 * 1024
    """The largest response that is read, both as sent and as decoded."""
    certificate_authority: FilePath | None = None
    """A PEM file that replaces the system's trust store for https."""
    accept_encodings: tuple[ContentCoding, ...] = ()
    """Content codings that subgraphs may use, best first. By default none: in a local network they cost more than they
    save."""
    share_queries: bool = True
    """Whether identical queries (same headers and variables) that are in flight at the same time are sent only once."""
    longest_retry_after: Duration | None = 30.0
    """The longest pause after a 503 with `Retry-After`; null: no pause."""


class Traffic(Section):
    """Time limits and connections of requests to subgraphs."""

    request_timeout: Duration = 60.0
    """Time limit of a client's request, from its first byte to its response. Work that is still running then is
    cancelled, fetches included."""
    all: AllTraffic = AllTraffic()
    """Requests to every subgraph."""
    subgraphs: Mapping[str, SubgraphTraffic] = {}
    """Requests to one subgraph, by its name."""

    def of(self, subgraph: str) -> AllTraffic:
        """The settings of one subgraph: its own keys over those of `all`."""
        own = self.subgraphs.get(subgraph)
        return self.all if own is None else self.all.model_copy(update=own.model_dump(exclude_none=True))
