"""`traffic`: time limits, connections and content codings of requests to subgraphs."""

# ruff: noqa: TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from router.settings.section import Section
from router.settings.sections.proxy import Proxy
from router.settings.types import (
    ContentCoding,
    Count,
    Duration,
    FilePath,
    Identity,
    IsNumber,
    Percentage,
    ServerName,
    SharedQueries,
)


class Retry(Section):
    """Whether failed requests are sent again."""

    enabled: bool = False
    """Whether requests are repeated. Queries, and mutations with an `Idempotency-Key` header, are repeated after a
    broken connection or the status 502, 503 or 504. If a connection cannot be opened, any request is repeated, because
    the subgraph has not received it."""
    attempts: Count = 2
    """The largest number of repetitions of one request. `timeout` limits the time of all attempts together."""
    wait: Duration = 0.05
    """The longest wait before the first repetition. This limit doubles for each further repetition. The real wait is
    random, and never longer than the limit."""
    longest_wait: Duration = 1.0
    """The longest wait before any repetition. If the `Retry-After` of a subgraph is longer, the request is not
    repeated."""
    budget: Percentage = 10.0
    """The largest share of repetitions among all requests, in percent."""


class Breaker(Section):
    """Whether a subgraph that fails gets no requests for a while."""

    enabled: bool = False
    """Whether there is a circuit breaker."""
    failures: Percentage = 50.0
    """The share of failed requests, in percent, at which the breaker opens. A status 5xx, a timeout and a failed
    connection count as failures."""
    minimum_requests: Count = 20
    """The breaker opens only if `window` has at least this number of requests."""
    window: Duration = 10.0
    """The time in which requests are counted."""
    open_time: Duration = 5.0
    """How long the subgraph gets no requests. Then `probes` requests show whether the subgraph works again."""
    probes: Count = 3
    """The number of requests that must succeed before the breaker closes."""


class Hedge(Section):
    """Whether slow queries are sent a second time. The first response is used."""

    enabled: bool = False
    """Whether slow queries are sent twice."""
    percentile: Percentage = 90.0
    """The percentile from which a query is slow. With 90, a query is slow if it takes longer than 90 % of the last 256
    queries to the subgraph."""
    shortest_wait: Duration = 0.01
    """A query is never slow before it has taken this time."""
    budget: Percentage = 10.0
    """The largest share of second queries among all queries, in percent."""


class Shedding(Section):
    """Whether the router finds out how many concurrent requests a subgraph can bear, and refuses further requests."""

    enabled: bool = False
    """Whether the limit of concurrent requests is adapted to the subgraph."""
    initial: Count = 20
    """The limit of concurrent requests after the start."""
    smallest: Count = 4
    """The limit is never smaller than this number."""
    largest: Count = 1_000
    """The limit is never larger than this number. `max_connections` applies too."""
    tolerance: Annotated[float, Field(gt=1, le=10), IsNumber] = 1.5
    """The router remembers the shortest mean duration of requests. The limit shrinks if the mean duration is longer
    than this multiple of the shortest."""


class Ejection(Section):
    """When a server of a subgraph gets no requests, and for how long. A single server always gets requests."""

    failures: Count = 5
    """The number of failed requests in a row after which a server is ejected, that is, gets no requests."""
    time: Duration = 10.0
    """How long the first ejection lasts. Each further ejection lasts twice as long as the one before."""
    longest_time: Duration = 300.0
    """How long an ejection lasts at most."""


class SubgraphTraffic(Section):
    """How requests to one subgraph are sent. If a key is missing here, the value in `traffic.all` applies."""

    timeout: Duration | None = None
    """Time limit for one fetch, including the wait for a connection."""
    connect_timeout: Duration | None = None
    """Time limit for opening a connection, including TLS."""
    max_connections: Count | None = None
    """Maximum number of connections to the subgraph. Further fetches wait for a free connection."""
    max_waiting: Count | None = None
    """Maximum number of fetches that wait for a connection. Further fetches fail at once."""
    idle_timeout: Duration | None = None
    """How long an idle connection to a subgraph stays open."""
    max_response_bytes: Count | None = None
    """Maximum size of the body of a response, both as the subgraph sends it and after decompression. The number of JSON
    values in a response is limited too: to the larger of a million and `max_response_bytes` / 64."""
    proxy: Proxy | None = None
    """An HTTP proxy between the router and the subgraphs."""
    certificate_authority: FilePath | None = None
    """A PEM file with the certificate authorities to trust for https, instead of the system's authorities."""
    client_certificate: FilePath | None = None
    """A PEM file with the certificate that the router presents for https, and its chain."""
    client_key: FilePath | None = None
    """A PEM file with the private key of `client_certificate`, if it is not in the same file."""
    server_name: ServerName | None = None
    """The name that the router sends for https (SNI) and that the certificate of the subgraph must have, instead of the
    host of the URL."""
    server_identity: Identity | None = None
    """The URI that the certificate of the subgraph must have, such as `spiffe://example/orders`. It is checked only if
    there is a `client_certificate`."""
    accept_encodings: tuple[ContentCoding, ...] | None = None
    """Content codings in which the subgraph may compress responses. The first one is preferred."""
    share_queries: SharedQueries | None = None
    """Which identical queries (same headers and variables) the router sends only once if they run at the same time.
    `anonymous`: queries of clients without a credential, such as `Authorization` or `Cookie`. `verified`: also queries
    of clients whose credential `authentication` has verified for this very request: an API key, or a token if there is
    a check for revocation (`authentication.jwt.revocation` or `revocation_check`). `all`: also queries with another
    credential. `false`: no queries. Warning: with `all`, a client whose session has just ended can still get the
    response to a query that was sent before."""
    longest_retry_after: Duration | None = None
    """After a response with 503 and `Retry-After`, the router sends the subgraph no requests for the time in this
    header, but not longer than the time in this key."""
    retry: Retry | None = None
    """Whether failed requests are sent again."""
    breaker: Breaker | None = None
    """Whether a subgraph that fails gets no requests for a while."""
    hedge: Hedge | None = None
    """Whether slow queries are sent a second time."""
    shedding: Shedding | None = None
    """Whether the router finds out how many concurrent requests a subgraph can bear, and refuses further requests."""
    ejection: Ejection | None = None
    """When a server of a subgraph gets no requests, and for how long. This has an effect only if the subgraph has
    several servers (`override_subgraph_url`)."""


class AllTraffic(Section):
    """How requests to every subgraph are sent."""

    timeout: Duration = 30.0
    """Time limit for one fetch, including the wait for a connection."""
    connect_timeout: Duration | None = None
    """Time limit for opening a connection, including TLS. Null: `timeout` is the only limit."""
    max_connections: Count = 100
    """Maximum number of connections to one subgraph. Further fetches wait for a free connection."""
    max_waiting: Count = 1_000
    """Maximum number of fetches that wait for a connection to one subgraph. Further fetches fail at once with
    SUBREQUEST_HTTP_ERROR and `retryAfter`."""
    idle_timeout: Duration = 50.0
    """How long an idle connection to a subgraph stays open."""
    max_response_bytes: Count = 64 * 1024 * 1024
    """Maximum size of the body of a response, both as the subgraph sends it and after decompression. The number of JSON
    values in a response is limited too: to the larger of a million and `max_response_bytes` / 64."""
    proxy: Proxy = Proxy.model_construct()
    """An HTTP proxy between the router and the subgraphs."""
    certificate_authority: FilePath | None = None
    """A PEM file with the certificate authorities to trust for https, instead of the system's authorities."""
    client_certificate: FilePath | None = None
    """A PEM file with the certificate that the router presents for https, and its chain."""
    client_key: FilePath | None = None
    """A PEM file with the private key of `client_certificate`, if it is not in the same file."""
    server_name: ServerName | None = None
    """The name that the router sends for https (SNI) and that the certificate of the subgraph must have, instead of the
    host of the URL."""
    server_identity: Identity | None = None
    """The URI that the certificate of the subgraph must have, such as `spiffe://example/orders`. It is checked only if
    there is a `client_certificate`."""
    accept_encodings: tuple[ContentCoding, ...] = ()
    """Content codings in which subgraphs may compress responses. The first one is preferred. By default, responses are
    not compressed, because compression in a local network takes more time than it saves."""
    share_queries: SharedQueries = "verified"
    """Which identical queries (same headers and variables) the router sends only once if they run at the same time.
    `anonymous`: queries of clients without a credential, such as `Authorization` or `Cookie`. `verified`: also queries
    of clients whose credential `authentication` has verified for this very request: an API key, or a token if there is
    a check for revocation (`authentication.jwt.revocation` or `revocation_check`). `all`: also queries with another
    credential. `false`: no queries. Warning: with `all`, a client whose session has just ended can still get the
    response to a query that was sent before."""
    longest_retry_after: Duration | None = 30.0
    """After a response with 503 and `Retry-After`, the router sends the subgraph no requests for the time in this
    header, but not longer than the time in this key. With null, the router ignores the header."""
    retry: Retry = Retry.model_construct()
    """Whether failed requests are sent again."""
    breaker: Breaker = Breaker.model_construct()
    """Whether a subgraph that fails gets no requests for a while."""
    hedge: Hedge = Hedge.model_construct()
    """Whether slow queries are sent a second time."""
    shedding: Shedding = Shedding.model_construct()
    """Whether the router finds out how many concurrent requests a subgraph can bear, and refuses further requests."""
    ejection: Ejection = Ejection.model_construct()
    """When a server of a subgraph gets no requests, and for how long. This has an effect only if the subgraph has
    several servers (`override_subgraph_url`)."""


class Traffic(Section):
    """Time limits and connections of requests to subgraphs."""

    request_timeout: Duration = 60.0
    """Time limit of a client's request, from its first byte to its response. After this time, the
    fetches and all other work of the request are cancelled."""
    share_operations: bool = False
    """Whether the router executes a query only once for all clients that send it at the same time. Their requests must
    have the same variables and claims, and send the same headers to subgraphs. A request with a credential takes part
    only if `authentication` has verified it: an API key, or a token if there is a check for revocation."""
    all: AllTraffic = AllTraffic.model_construct()
    """How requests to every subgraph are sent."""
    subgraphs: Mapping[str, SubgraphTraffic] = {}
    """For each subgraph name, how requests to this subgraph are sent."""

    def of(self, subgraph: str) -> AllTraffic:
        """Return the settings of one subgraph. If a key is not set in `subgraphs`, the value in `all` applies."""
        own = self.subgraphs.get(subgraph)
        if own is None:
            return self.all
        given = {name: value for name in SubgraphTraffic.model_fields if (value := getattr(own, name)) is not None}
        return self.all.model_copy(update=given)
