"""Every key of `router.yaml`, its type, its default and what it does.

Defaults are closed: nothing of a client's headers reaches a subgraph, nothing of a subgraph's errors reaches a client,
no origin is trusted, no introspection; the field's routers differ here, and each difference is somebody's incident.
A new key comes with a test in which changing it changes behaviour.
"""

# ruff: noqa: TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from .values import (
    Duration,
    HeaderName,
    HeaderValue,
    HttpUrl,
    Origin,
    Pattern,
    SettableHeader,
    UrlPath,
    check_header_value,
)

Count = Annotated[int, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, regex_engine="python-re")


class Server(_Section):
    """Where the router listens. Port 0 takes a free one."""

    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(4000, ge=0, le=65535)
    path: UrlPath = "/graphql"


class Propagate(_Section):
    """Pass a client's header on.

    Either one by name (under another one with `rename`, with the value `default` if the client sent none), or all
    whose names match a regular expression from beginning to end.
    """

    named: HeaderName | None = None
    matching: Pattern | None = None
    rename: SettableHeader | None = None
    default: HeaderValue | None = None

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Propagate:
        if (self.named is None) == (self.matching is None):
            raise ValueError("give either `named` or `matching`")
        if self.matching is not None and (self.rename is not None or self.default is not None):
            raise ValueError("`rename` and `default` go with `named`")
        return self


class Insert(_Section):
    """Set a header to a fixed value, whatever an earlier rule made of it."""

    name: SettableHeader
    value: SecretStr

    @field_validator("value")
    @classmethod
    def _fits_in_a_line(cls, value: SecretStr) -> SecretStr:
        check_header_value(value.get_secret_value())
        return value


class Remove(_Section):
    """Take out again what an earlier rule put in."""

    named: HeaderName | None = None
    matching: Pattern | None = None

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Remove:
        if (self.named is None) == (self.matching is None):
            raise ValueError("give either `named` or `matching`")
        return self


class HeaderRule(_Section):
    """Exactly one of the three."""

    propagate: Propagate | None = None
    insert: Insert | None = None
    remove: Remove | None = None

    @model_validator(mode="after")
    def _one_action(self) -> HeaderRule:
        if sum(action is not None for action in (self.propagate, self.insert, self.remove)) != 1:
            raise ValueError("a rule is exactly one of `propagate`, `insert` and `remove`")
        return self


class HeaderRules(_Section):
    """`request` rules run in order on what goes to a subgraph."""

    request: tuple[HeaderRule, ...] = ()


class Headers(_Section):
    """Which headers reach subgraphs: rules for all of them first, then those of the one. Without rules, none."""

    all: HeaderRules = HeaderRules()
    subgraphs: Mapping[str, HeaderRules] = {}


class SubgraphTraffic(_Section):
    """How one subgraph is talked to. A key that is absent has the value under `traffic.all`.

    `certificate_authority` is a PEM file that replaces the system's trust store for https.
    """

    timeout: Duration | None = None
    max_connections: Count | None = None
    idle_timeout: Duration | None = None
    max_response_bytes: Count | None = None
    certificate_authority: Path | None = None


class AllTraffic(_Section):
    """How every subgraph is talked to.

    `timeout` is for one operation, the wait for a connection included; the others are as in `SubgraphTraffic`.
    """

    timeout: Duration = 30.0
    max_connections: Count = 100
    idle_timeout: Duration = 50.0
    max_response_bytes: Count = 64 * 1024 * 1024
    certificate_authority: Path | None = None


class Traffic(_Section):
    """`request_timeout` is how long a client's body may take to arrive, and then its answer.

    What still runs after that is cancelled.
    """

    request_timeout: Duration = 60.0
    all: AllTraffic = AllTraffic()
    subgraphs: Mapping[str, SubgraphTraffic] = {}

    def of(self, subgraph: str) -> AllTraffic:
        """What holds for one subgraph."""
        own = self.subgraphs.get(subgraph)
        return self.all if own is None else self.all.model_copy(update=own.model_dump(exclude_none=True))


class Limits(_Section):
    """What a request may cost before any work is done for it; null switches a limit off where that is safe.

    `depth` counts nested fields, `height` all fields, `aliases` and `directives` all of their kind, `root_fields` those
    at the top: each through fragments, as often as they are spread.
    """

    body_bytes: Count = 2_000_000
    query_string_bytes: Count = 32_768
    tokens: Count = 15_000
    depth: Count | None = 200
    height: Count | None = 3_500
    aliases: Count | None = None
    directives: Count | None = None
    root_fields: Count | None = None
    operation_name_length: Count | None = 512


class ErrorPassage(_Section):
    """Which errors of a subgraph reach clients with their own message and code, and which of their extensions."""

    allow_codes: tuple[str, ...] = ()
    allow_extensions: tuple[str, ...] = ()


class Errors(ErrorPassage):
    """`mask: false` shows clients everything a subgraph says: for development.

    What is allowed under `subgraphs` adds to what is allowed for all. `message` stands in for what is hidden.
    """

    mask: bool = True
    message: str = Field("Unexpected error", min_length=1)
    subgraphs: Mapping[str, ErrorPassage] = {}


class Cors(_Section):
    """Which web pages may call the router from a browser. Off, no page of another origin can read an answer."""

    enabled: bool = False
    origins: tuple[Origin, ...] = ()
    allow_headers: tuple[HeaderName, ...] = ("authorization", "content-type", "apollo-require-preflight")
    expose_headers: tuple[HeaderName, ...] = ("x-request-id",)
    allow_credentials: bool = False
    max_age: Duration = 600.0

    @model_validator(mode="after")
    def _no_credentials_for_everyone(self) -> Cors:
        if self.enabled and not self.origins:
            raise ValueError("`enabled: true` needs `origins`")
        if self.allow_credentials and "*" in self.origins:
            raise ValueError("`allow_credentials` with origin * would hand every site the user's session")
        return self


class Csrf(_Section):
    """Refuse requests that a browser would send for any web page without asking first.

    Those are the ones with neither a content type that needs a preflight nor one of `required_headers`.
    """

    enabled: bool = True
    required_headers: tuple[HeaderName, ...] = ("x-apollo-operation-name", "apollo-require-preflight")


class Cache(_Section):
    """How many entries are kept: validated documents by their text, plans by document and operation name.

    `text_bytes` bounds each of the two by the size of its documents' texts; in memory an entry takes a few hundred
    times that.
    """

    documents: Count = 1_000
    plans: Count = 1_000
    text_bytes: Count = 2_000_000


class RouterSettings(_Section):
    """The whole file. `override_subgraph_url` replaces addresses of the supergraph, by subgraph name."""

    server: Server = Server()
    introspection: bool = False
    override_subgraph_url: Mapping[str, HttpUrl] = {}
    headers: Headers = Headers()
    traffic: Traffic = Traffic()
    limits: Limits = Limits()
    errors: Errors = Errors()
    cors: Cors = Cors()
    csrf: Csrf = Csrf()
    cache: Cache = Cache()

    def strangers(self, subgraphs: Collection[str]) -> list[tuple[str, ...]]:
        """The keys that name a subgraph which is not one of `subgraphs`."""
        places: dict[tuple[str, ...], Iterable[str]] = {
            ("override_subgraph_url",): self.override_subgraph_url,
            ("headers", "subgraphs"): self.headers.subgraphs,
            ("traffic", "subgraphs"): self.traffic.subgraphs,
            ("errors", "subgraphs"): self.errors.subgraphs,
        }
        return [(*place, name) for place, names in places.items() for name in names if name not in subgraphs]
