"""The keys with which the router is run: processes, where a supergraph comes from, reload, warm-up, admin, overload."""

# ruff: noqa: TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, SecretStr, field_validator, model_validator

from router.settings.section import Count, IsNumber, Port, Section
from router.settings.types import Duration, FilePath, HttpUrl, SettableHeader, UrlPath, check_header_value

Token = Annotated[SecretStr, Field(min_length=16)]


class Server(Section):
    """Where the router listens, and with how many processes."""

    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on; without the key, MOSAFE_HOST."""
    port: Port = 4000
    """Port to listen on, 0 for a free one; without the key, ROUTER_PORT."""
    path: UrlPath = "/graphql"
    """Path of the GraphQL endpoint."""
    head_timeout: Duration = 30.0
    """How long a request's line and headers may take to arrive, from when the connection was made or the first byte."""
    keep_alive_timeout: Duration = 75.0
    """How long an unused connection of a client is kept: longer than clients keep theirs, so that they close first."""
    keep_alive_requests: Count | None = None
    """Requests on one connection; then it is closed, so that clients spread over new routers. null: no bound."""
    workers: Count = 1
    """Processes that share the port and nothing else, one for each core to use; `--workers` overrides it."""
    drain_timeout: Duration = 30.0
    """How long requests in flight may still run once the router was told to stop; without the key,
    MOSAFE_SHUTDOWN_SECONDS."""


class SupergraphSource(Section):
    """Where the supergraph comes from when the command line does not say."""

    file: FilePath | None = None
    """A file of this machine."""
    url: HttpUrl | None = None
    """An address to fetch it from, again and again; unchanged (ETag, or the same text) costs nothing."""
    headers: Mapping[SettableHeader, SecretStr] = {}
    """Headers of that request, such as its credential; never printed."""
    poll_interval: Duration = 10.0
    """Time between two looks at the address, a tenth more or less so that many routers do not ask at once."""
    timeout: Duration = 10.0
    """Time for one answer of it."""
    certificate_authority: FilePath | None = None
    """A PEM file that replaces the system's trust store for it."""

    @field_validator("headers")
    @classmethod
    def _fit_in_a_line(cls, headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for value in headers.values():
            check_header_value(value.get_secret_value())
        return headers

    @model_validator(mode="after")
    def _one_place(self) -> SupergraphSource:
        if self.file is not None and self.url is not None:
            raise ValueError("give either `file` or `url`")
        return self


class Reload(Section):
    """When files are looked at again. SIGHUP and the admin port reload whatever these keys say.

    What cannot be used is logged with its reason, and the router goes on with what it has.
    """

    watch: bool = True
    """Whether a change of the supergraph's file, or of this one, is taken up without being told."""
    watch_interval: Duration = 1.0
    """Time between two looks at the files."""


class WarmUp(Section):
    """Operations that are parsed, validated and planned before a client asks."""

    file: FilePath | None = None
    """Operations to prepare at the start, besides persisted documents: a folder of .graphql files, or a JSON manifest
    (a list of documents, an object of documents by id, or one with `operations` that have a `body`)."""
    hottest: Annotated[int, Field(ge=0), IsNumber] = 300
    """How many of the documents used most are prepared for a new supergraph before it takes over; 0 for none."""
    rate: Count = 50
    """Documents a second while the router serves, so that warming up leaves it time to answer."""
    timeout: Duration = 30.0
    """How long warming up may take, at the start and at a reload; what is not done by then, clients will wait for."""


class Admin(Section):
    """A port for operators: reload, health, cache hit ratios, memory of each worker. Never expose it to clients."""

    enabled: bool = False
    """Whether it is open."""
    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on; the default keeps it on this machine."""
    port: Port = 4001
    """Port to listen on, 0 for a free one."""
    token: Token | None = None
    """What callers send as `Authorization: Bearer ...` to reload; without it nobody can. Never printed."""


class Overload(Section):
    """What happens when more comes than can be done: it is refused at once, with 503 and `Retry-After`."""

    max_requests: Count | None = None
    """Requests at once in one worker; null for no bound."""
    retry_after: Duration = 1.0
    """What refused clients are told to wait, in whole seconds."""
    unready_after: Count = 100
    """Refusals within `window` after which /health/ready is 503, so that a load balancer looks elsewhere."""
    window: Duration = 5.0
    """The time in which refusals are counted."""


class Logging(Section):
    """What log lines may say."""

    redact_tag: str = Field("pii", min_length=1)
    """The name of the `@tag` that marks personal data: values of such fields and arguments appear in no log line."""
