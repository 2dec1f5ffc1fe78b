"""Every key of `router.yaml`: its type, its default, and in the text below it what it does.

Defaults are closed: nothing of a client's headers reaches a subgraph, nothing of a subgraph's errors reaches a client,
no origin is trusted, no introspection; the field's routers differ here, and each difference is somebody's incident.
A new key comes with a test in which changing it changes behaviour.
"""

# ruff: noqa: TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator

from .operations import Admin, Logging, Overload, Reload, Server, SupergraphSource, WarmUp
from .section import Count, Section
from .values import (
    Duration,
    HeaderName,
    HeaderValue,
    HttpUrl,
    Origin,
    Pattern,
    SettableHeader,
    check_header_value,
)


class Propagate(Section):
    """Pass a client's header on."""

    named: HeaderName | None = None
    """The one header with this name."""
    matching: Pattern | None = None
    """Every header whose name matches this regular expression from beginning to end."""
    rename: SettableHeader | None = None
    """The name it has from here on."""
    default: HeaderValue | None = None
    """The value when the client sent none."""

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Propagate:
        if (self.named is None) == (self.matching is None):
            raise ValueError("give either `named` or `matching`")
        if self.matching is not None and (self.rename is not None or self.default is not None):
            raise ValueError("`rename` and `default` go with `named`")
        return self


class Insert(Section):
    """Set a header to a fixed value, whatever an earlier rule made of it."""

    name: SettableHeader
    """The header."""
    value: SecretStr
    """Its value; never printed."""

    @field_validator("value")
    @classmethod
    def _fits_in_a_line(cls, value: SecretStr) -> SecretStr:
        check_header_value(value.get_secret_value())
        return value


class Remove(Section):
    """Take out again what an earlier rule put in."""

    named: HeaderName | None = None
    """The one header with this name."""
    matching: Pattern | None = None
    """Every header whose name matches this regular expression from beginning to end."""

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Remove:
        if (self.named is None) == (self.matching is None):
            raise ValueError("give either `named` or `matching`")
        return self


class HeaderRule(Section):
    """Exactly one of the three."""

    propagate: Propagate | None = None
    """Pass a client's header on."""
    insert: Insert | None = None
    """Set a header to a fixed value."""
    remove: Remove | None = None
    """Take out what an earlier rule put in."""

    @model_validator(mode="after")
    def _one_action(self) -> HeaderRule:
        if sum(action is not None for action in (self.propagate, self.insert, self.remove)) != 1:
            raise ValueError("a rule is exactly one of `propagate`, `insert` and `remove`")
        return self


class HeaderRules(Section):
    """Rules, run in order."""

    request: tuple[HeaderRule, ...] = ()
    """For what goes to a subgraph."""


class Headers(Section):
    """Which headers reach subgraphs. Without rules, none."""

    all: HeaderRules = HeaderRules()
    """Rules for every subgraph; they come first."""
    subgraphs: Mapping[str, HeaderRules] = {}
    """Rules for one subgraph, by its name."""


class SubgraphTraffic(Section):
    """How one subgraph is talked to; what is absent is as under `traffic.all`."""

    timeout: Duration | None = None
    """Time for one operation, the wait for a connection included."""
    max_connections: Count | None = None
    """Connections at once; further operations wait their turn."""
    idle_timeout: Duration | None = None
    """How long an unused connection is kept."""
    max_response_bytes: Count | None = None
    """The largest answer that is read."""
    certificate_authority: Path | None = None
    """A PEM file that replaces the system's trust store for https."""


class AllTraffic(Section):
    """How every subgraph is talked to."""

    timeout: Duration = 30.0
    """Time for one operation, the wait for a connection included."""
    max_connections: Count = 100
    """Connections to one subgraph at once; further operations wait their turn."""
    idle_timeout: Duration = 50.0
    """How long an unused connection is kept."""
    max_response_bytes: Count = 64 * 1024 * 1024
    """The largest answer that is read."""
    certificate_authority: Path | None = None
    """A PEM file that replaces the system's trust store for https."""


class Traffic(Section):
    """Time and connections."""

    request_timeout: Duration = 60.0
    """How long a client's body may take to arrive, and then its answer; what still runs after that is cancelled."""
    all: AllTraffic = AllTraffic()
    """How every subgraph is talked to."""
    subgraphs: Mapping[str, SubgraphTraffic] = {}
    """How one subgraph is talked to, by its name."""

    def of(self, subgraph: str) -> AllTraffic:
        """What holds for one subgraph."""
        own = self.subgraphs.get(subgraph)
        return self.all if own is None else self.all.model_copy(update=own.model_dump(exclude_none=True))


class Limits(Section):
    """What a request may cost, judged before any work is done for it; null switches a limit off where that is safe.

    An operation is counted through fragments, a fragment as often as it is spread.
    """

    body_bytes: Count = 2_000_000
    """The largest body of a POST."""
    query_string_bytes: Count = 32_768
    """The longest query string of a GET."""
    tokens: Count = 15_000
    """Lexical tokens of a document."""
    depth: Count | None = 200
    """Levels of nested fields."""
    height: Count | None = 3_500
    """All fields of an operation."""
    aliases: Count | None = None
    """All aliases of an operation."""
    directives: Count | None = None
    """All directives of an operation."""
    root_fields: Count | None = None
    """Fields at the root of an operation."""
    operation_name_length: Count | None = 512
    """Characters of an operation's name."""


class ErrorPassage(Section):
    """Which errors of a subgraph clients see as they are."""

    allow_codes: tuple[str, ...] = ()
    """Values of `extensions.code` with which an error keeps its message."""
    allow_extensions: tuple[str, ...] = ()
    """Other keys of `extensions` that such an error keeps."""


class Errors(ErrorPassage):
    """What clients see of the errors of subgraphs."""

    mask: bool = True
    """Whether what a subgraph says is replaced; `false` shows clients all of it, for development."""
    message: str = Field("Unexpected error", min_length=1)
    """What stands in for a message that is hidden."""
    subgraphs: Mapping[str, ErrorPassage] = {}
    """What is allowed for one subgraph besides, by its name."""


class Cors(Section):
    """Which web pages may call the router from a browser."""

    enabled: bool = False
    """Off, no page of another origin can read an answer."""
    origins: tuple[Origin, ...] = ()
    """Origins whose pages may, as scheme://host[:port]; * for all."""
    allow_headers: tuple[HeaderName, ...] = ("authorization", "content-type", "apollo-require-preflight")
    """Request headers such a page may set."""
    expose_headers: tuple[HeaderName, ...] = ("x-request-id",)
    """Response headers such a page may read."""
    allow_credentials: bool = False
    """Whether the browser sends its cookies along."""
    max_age: Duration = 600.0
    """How long a browser may remember the answer to a preflight."""

    @model_validator(mode="after")
    def _no_credentials_for_everyone(self) -> Cors:
        if self.enabled and not self.origins:
            raise ValueError("`enabled: true` needs `origins`")
        if self.allow_credentials and "*" in self.origins:
            raise ValueError("`allow_credentials` with origin * would hand every site the user's session")
        return self


class Csrf(Section):
    """Requests that a browser would send for any web page without asking first."""

    enabled: bool = True
    """Whether they are refused."""
    required_headers: tuple[HeaderName, ...] = ("x-apollo-operation-name", "apollo-require-preflight")
    """Headers no such request can have; one of them lets a request through."""


class Cache(Section):
    """How much is kept of what was worked out once."""

    documents: Count = 1_000
    """Validated documents, by their text."""
    plans: Count = 1_000
    """Plans, by document and operation name."""
    text_bytes: Count = 2_000_000
    """The size of all kept documents' texts, for each of the two; in memory an entry takes a few hundred times that."""


class RouterSettings(Section):
    """The whole file."""

    server: Server = Server()
    """Where the router listens, and with how many processes."""
    supergraph: SupergraphSource = SupergraphSource()
    """Where the supergraph comes from when the command line does not say."""
    reload: Reload = Reload()
    """When files are looked at again."""
    warm_up: WarmUp = WarmUp()
    """Operations that are planned before a client asks."""
    admin: Admin = Admin()
    """A port for operators."""
    overload: Overload = Overload()
    """What happens when more comes than can be done."""
    logging: Logging = Logging()
    """What log lines may say."""
    introspection: bool = False
    """Whether clients may ask for the schema; off, errors suggest no names either."""
    override_subgraph_url: Mapping[str, HttpUrl] = {}
    """Addresses that replace those of the supergraph, by subgraph name."""
    headers: Headers = Headers()
    """Which headers of a client reach subgraphs."""
    traffic: Traffic = Traffic()
    """Time and connections."""
    limits: Limits = Limits()
    """What a request may ask for."""
    errors: Errors = Errors()
    """What clients see of the errors of subgraphs."""
    cors: Cors = Cors()
    """Which web pages may call the router from a browser."""
    csrf: Csrf = Csrf()
    """Requests that other sites' pages cause."""
    cache: Cache = Cache()
    """How much is kept of what was worked out once."""

    def strangers(self, subgraphs: Collection[str]) -> list[tuple[str, ...]]:
        """The keys that name a subgraph which is not one of `subgraphs`."""
        places: dict[tuple[str, ...], Iterable[str]] = {
            ("override_subgraph_url",): self.override_subgraph_url,
            ("headers", "subgraphs"): self.headers.subgraphs,
            ("traffic", "subgraphs"): self.traffic.subgraphs,
            ("errors", "subgraphs"): self.errors.subgraphs,
        }
        return [(*place, name) for place, names in places.items() for name in names if name not in subgraphs]
