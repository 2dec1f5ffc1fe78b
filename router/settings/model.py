"""Every key of `router.yaml`: its type, its default, and in the text below it what it does.

Defaults are closed: nothing of a client's headers reaches a subgraph, nothing of a subgraph's errors reaches a client,
no origin is trusted, no introspection; the field's routers differ here, and each difference is somebody's incident.
A new key comes with a test in which changing it changes behaviour.
"""

# ruff: noqa: TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pydantic import SecretStr, field_validator, model_validator

from router.settings.section import Count, Percentage, Section
from router.settings.sections.errors import Errors
from router.settings.sections.limits import Limits
from router.settings.sections.persisted_documents import Apq, Batching, PersistedDocuments, PersistedMode
from router.settings.sections.process import Admin, Logging, Overload, Reload, Server, SupergraphSource, WarmUp
from router.settings.sections.traffic import Traffic
from router.settings.types import (
    ContentCoding,
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


class Cors(Section):
    """Which web pages may call the router from a browser."""

    enabled: bool = False
    """Off, no page of another origin can read an answer."""
    origins: tuple[Origin, ...] = ()
    """Origins whose pages may, as scheme://host[:port]; * for all."""
    allow_headers: tuple[HeaderName, ...] = ("authorization", "content-type", "apollo-require-preflight")
    """Request headers such a page may set."""
    expose_headers: tuple[HeaderName, ...] = ("x-request-id", "retry-after")
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


class Compression(Section):
    """Content codings of answers to clients (RFC 9110 §8.4)."""

    enabled: bool = True
    """Whether answers are compressed for clients that accept it."""
    minimum_bytes: Count = 1_024
    """The smallest body worth it: below that a packet is a packet."""
    encodings: tuple[ContentCoding, ...] = ("zstd", "br", "gzip")
    """The codings offered; of those a client likes equally, the first one here."""


class Planner(Section):
    """How operations are divided into fetches."""

    batch_entity_fetches: bool = True
    """Whether fetches of objects from one subgraph that are due at one stage of a plan share a request, which is sent
    when the values that all of them need are there."""
    work: Count = 10_000
    """How far the search for a better plan goes, in units of about 10 µs; then the best plan found so far is taken,
    with a hint in it. Counted, so that the same operation always has the same plan."""
    deadline: Duration = 1.0
    """When that search ends even if there is work left: for a machine too busy to do its work in time."""


class Cache(Section):
    """How much is kept of what was worked out once."""

    documents: Count = 1_000
    """Validated documents, by their text."""
    plans: Count = 1_000
    """Plans, by document and operation name."""
    text_bytes: Count = 2_000_000
    """The size of all kept documents' texts, for each of the two; in memory both take up to a hundred times that."""


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
    override_labels: Mapping[str, Percentage] = {}
    """For how many requests in a hundred a label of a progressive `@override` holds, by label, such as
    `{checkout-v2: 25}`. Without an entry, `percent(5)` holds for five and any other label for none."""
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
    compression: Compression = Compression()
    """Content codings of answers to clients."""
    apq: Apq = Apq()
    """Automatic persisted queries: documents that clients register."""
    persisted_documents: PersistedDocuments = PersistedDocuments()
    """Documents that are known before any client sends them."""
    batching: Batching = Batching()
    """Several operations in one request."""
    planner: Planner = Planner()
    """How operations are divided into fetches."""
    cache: Cache = Cache()
    """How much is kept of what was worked out once."""

    @model_validator(mode="after")
    def _one_meaning_of_a_hash(self) -> RouterSettings:
        if self.apq.enabled and self.persisted_documents.mode is not PersistedMode.DISABLED:
            raise ValueError("`apq` would let clients add to the list of `persisted_documents`; enable one of them")
        return self

    def strangers(self, subgraphs: Collection[str]) -> list[tuple[str, ...]]:
        """The keys that name a subgraph which is not one of `subgraphs`."""
        places: dict[tuple[str, ...], Iterable[str]] = {
            ("override_subgraph_url",): self.override_subgraph_url,
            ("headers", "subgraphs"): self.headers.subgraphs,
            ("traffic", "subgraphs"): self.traffic.subgraphs,
            ("errors", "subgraphs"): self.errors.subgraphs,
        }
        return [(*place, name) for place, names in places.items() for name in names if name not in subgraphs]
