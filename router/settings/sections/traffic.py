"""`traffic`: time limits, connections and content codings of requests to subgraphs."""

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
    """Maximum number of connections; further fetches wait."""
    idle_timeout: Duration | None = None
    """How long an idle connection stays open."""
    max_response_bytes: Count | None = None
    """The largest response that is read, both as sent and as decoded."""
    certificate_authority: FilePath | None = None
    """A PEM file that replaces the system's trust store for https."""
    accept_encodings: tuple[ContentCoding, ...] | None = None
    """Content codings that the subgraph may use, best first."""
    share_queries: bool | None = None
    """Whether identical queries (same headers and variables) at the same time are sent to the subgraph only once."""
    longest_retry_after: Duration | None = None
    """The longest time without requests to the subgraph after a 503 with `Retry-After`."""


class AllTraffic(Section):
    """Requests to every subgraph."""

    timeout: Duration = 30.0
    """Time limit for one fetch, including the wait for a connection."""
    max_connections: Count = 100
    """Maximum number of connections to one subgraph; further fetches wait."""
    idle_timeout: Duration = 50.0
    """How long an idle connection stays open."""
    max_response_bytes: Count = 64 * 1024 * 1024
    """The largest response that is read, both as sent and as decoded."""
    certificate_authority: FilePath | None = None
    """A PEM file that replaces the system's trust store for https."""
    accept_encodings: tuple[ContentCoding, ...] = ()
    """Content codings that subgraphs may use, best first. By default none, because compression in a local network takes
    more time than it saves."""
    share_queries: bool = True
    """Whether identical queries (same headers and variables) at the same time are sent to a subgraph only once."""
    longest_retry_after: Duration | None = 30.0
    """The longest time without requests to a subgraph after a 503 with `Retry-After`; null: no pause."""


class Traffic(Section):
    """Time limits and connections of requests to subgraphs."""

    request_timeout: Duration = 60.0
    """Time limit of a client's request, from its first byte to its response. After this time, its fetches and
    all other work are cancelled."""
    all: AllTraffic = AllTraffic()
    """Requests to every subgraph."""
    subgraphs: Mapping[str, SubgraphTraffic] = {}
    """Requests to one subgraph, by its name."""

    def of(self, subgraph: str) -> AllTraffic:
        """Return the settings of one subgraph: its keys in `subgraphs`, and those of `all` for the rest."""
        own = self.subgraphs.get(subgraph)
        return self.all if own is None else self.all.model_copy(update=own.model_dump(exclude_none=True))
