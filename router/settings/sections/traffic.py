"""`traffic`: time, connections, and what is said about bytes between router and subgraphs."""

# ruff: noqa: TC001, TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping

from router.settings.section import Count, Section
from router.settings.types import ContentCoding, Duration, FilePath


class SubgraphTraffic(Section):
    """How one subgraph is talked to; what is absent is as under `traffic.all`."""

    timeout: Duration | None = None
    """Time for one operation, the wait for a connection included."""
    max_connections: Count | None = None
    """Connections at once; further operations wait their turn."""
    idle_timeout: Duration | None = None
    """How long an unused connection is kept."""
    max_response_bytes: Count | None = None
    """The largest answer that is read, as sent and as decoded."""
    certificate_authority: FilePath | None = None
    """A PEM file that replaces the system's trust store for https."""
    accept_encodings: tuple[ContentCoding, ...] | None = None
    """Content codings in which it may answer, best first."""
    share_queries: bool | None = None
    """Whether a query that is already under way to it with the same headers and variables is sent only once."""
    longest_retry_after: Duration | None = None
    """How long at most it is left alone after a 503 with `Retry-After`."""


class AllTraffic(Section):
    """How every subgraph is talked to."""

    timeout: Duration = 30.0
    """Time for one operation, the wait for a connection included."""
    max_connections: Count = 100
    """Connections to one subgraph at once; further operations wait their turn."""
    idle_timeout: Duration = 50.0
    """How long an unused connection is kept."""
    max_response_bytes: Count = 64 * 1024 * 1024
    """The largest answer that is read, as sent and as decoded."""
    certificate_authority: FilePath | None = None
    """A PEM file that replaces the system's trust store for https."""
    accept_encodings: tuple[ContentCoding, ...] = ()
    """Content codings in which subgraphs may answer, best first; none, as near by they cost more than they save."""
    share_queries: bool = True
    """Whether a query that is already under way with the same headers and variables is sent only once."""
    longest_retry_after: Duration | None = 30.0
    """How long at most a subgraph is left alone after a 503 with `Retry-After`; null: it is asked again at once."""


class Traffic(Section):
    """Time and connections."""

    request_timeout: Duration = 60.0
    """From the head of a client's request to its answer, the arrival of its body included; what still runs then is
    cancelled, fetches too."""
    all: AllTraffic = AllTraffic()
    """How every subgraph is talked to."""
    subgraphs: Mapping[str, SubgraphTraffic] = {}
    """How one subgraph is talked to, by its name."""

    def of(self, subgraph: str) -> AllTraffic:
        """What holds for one subgraph."""
        own = self.subgraphs.get(subgraph)
        return self.all if own is None else self.all.model_copy(update=own.model_dump(exclude_none=True))
