"""The settings of the REST layer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from msgspec import structs
from pydantic import AfterValidator, BeforeValidator, Field

from bank.platform_files import SUPERGRAPH, platform_file
from bank.settings import BankSettings
from rest_compat.bulkheads import BulkheadLimits
from servicekit.cors import ANY, CorsRules, check_origin, matches_every_origin
from servicekit.errors import ConfigurationError
from servicekit.settings import Port, Secret

# The response headers that pages of other origins may read. By default, a browser hides these headers from such pages.
_READABLE = (
    "x-request-id",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "etag",
    "location",
    "link",
    "idempotent-replayed",
    "dpop-nonce",
    "www-authenticate",
)


def _names(value: object) -> object:
    """Split a comma-separated list of names from an environment variable, and convert the names to lower case."""
    return [name.strip().lower() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _patterns(value: object) -> object:
    return value.split() if isinstance(value, str) else value


def _check_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value} is not a regular expression: {error}") from error
    return value


def _origins_of_paths(value: object) -> object:
    """Read `/path=origin origin; /path=origin` from an environment variable."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(";") if part.strip()]
    return {path.strip(): tuple(origins.split()) for path, _, origins in pairs}


def _check_path(value: str) -> str:
    if not value.startswith("/") or value == "/":
        raise ValueError("a path begins with /, and is followed by = and origins: /api/auth=https://app.example")
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Origin = Annotated[str, AfterValidator(check_origin)]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(_split)]
Patterns = Annotated[tuple[Annotated[str, AfterValidator(_check_pattern)], ...], BeforeValidator(_patterns)]
OriginsOfPaths = Annotated[
    Mapping[Annotated[str, AfterValidator(_check_path)], tuple[Origin, ...]], BeforeValidator(_origins_of_paths)
]


class RestSettings(BankSettings):
    """Settings of the REST layer.

    Attributes:
        router_url: the router's GraphQL endpoint.
        public_url: where clients reach this layer: the beginning of the URLs for which DPoP proofs are made.
        dpop_statement_secret: signs statements to the router about DPoP proofs; None: bound tokens are refused.
        dpop_nonce_secret: makes the nonces that DPoP proofs must contain; None: they need none.
        supergraph: the composed schema against which the operations are checked at start-up.
        concurrency: how many requests of one kind of route may run at the same time.
        queue: how many further requests of one kind of route may wait.
        online_banking: whether the web page of the bank is served. If None, it is served in development only.
        cors_origins: the origins whose pages may use the API from a browser; see `servicekit.cors.check_origin`.
        cors_origin_patterns: regular expressions for further origins; a pattern must match the whole origin.
        cors_loopback: whether pages of this machine may use the API.
        cors_paths: other origins for some paths and the paths below them.
        cors_allow_private_network: whether pages of a public network may use the API on a private network.
        cors_allow_headers: the request headers that a page may set; None allows the headers that the browser asks for.
        cors_max_age: how many seconds a browser may cache the response to a preflight request.
    """

    port: Port = Field(8000, alias="REST_PORT")
    router_url: str = Field("http://127.0.0.1:4000/graphql", alias="ROUTER_URL", pattern=r"^https?://")
    public_url: str = Field("http://127.0.0.1:8000", alias="REST_PUBLIC_URL", pattern=r"^https?://[^?#]+$")
    dpop_statement_secret: Secret | None = Field(None, alias="DPOP_STATEMENT_SECRET")
    dpop_nonce_secret: Secret | None = Field(None, alias="DPOP_NONCE_SECRET")
    supergraph: Path = Field(platform_file(SUPERGRAPH), alias="REST_SUPERGRAPH")
    concurrency: int = Field(40, alias="REST_CONCURRENCY", ge=1, le=10_000)
    queue: int = Field(80, alias="REST_QUEUE", ge=0, le=100_000)
    online_banking: bool | None = Field(None, alias="REST_ONLINE_BANKING")

    cors_origins: Origins = Field((), alias="REST_CORS_ORIGINS")
    cors_origin_patterns: Patterns = Field((), alias="REST_CORS_ORIGIN_PATTERNS")
    cors_loopback: bool = Field(default=False, alias="REST_CORS_LOOPBACK")
    cors_paths: OriginsOfPaths = Field({}, alias="REST_CORS_PATHS")
    cors_allow_private_network: bool = Field(default=False, alias="REST_CORS_ALLOW_PRIVATE_NETWORK")
    cors_allow_headers: Names | None = Field(None, alias="REST_CORS_ALLOW_HEADERS")
    cors_expose_headers: Names = Field(_READABLE, alias="REST_CORS_EXPOSE_HEADERS")
    cors_allow_credentials: bool = Field(default=False, alias="REST_CORS_ALLOW_CREDENTIALS")
    cors_max_age: int = Field(600, alias="REST_CORS_MAX_AGE", ge=0, le=86_400)

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        given = (*self.cors_origins, *(origin for own in self.cors_paths.values() for origin in own))
        if self.cors_allow_credentials and (ANY in given or matches_every_origin(self.cors_origin_patterns)):
            raise ConfigurationError(
                "REST_CORS_ALLOW_CREDENTIALS", "with origin * it would give every site the user's session"
            )

    @property
    def cors(self) -> CorsRules | None:
        """The rules for pages that use the API from a browser; None if CORS is off."""
        if not self.cors_origins and not self.cors_origin_patterns and not self.cors_loopback and not self.cors_paths:
            return None
        return CorsRules(
            origins=self.cors_origins,
            origin_patterns=self.cors_origin_patterns,
            loopback=self.cors_loopback,
            allow_private_network=self.cors_allow_private_network,
            methods=("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"),
            allow_headers=self.cors_allow_headers,
            expose_headers=self.cors_expose_headers,
            allow_credentials=self.cors_allow_credentials,
            max_age=self.cors_max_age,
        )

    @property
    def cors_of_paths(self) -> Mapping[str, CorsRules]:
        """The CORS rules for those paths that allow other origins than the rest of the API, by path."""
        rules = self.cors
        if rules is None:
            return {}
        return {path: structs.replace(rules, origins=own, origin_patterns=()) for path, own in self.cors_paths.items()}

    @property
    def has_online_banking(self) -> bool:
        return not self.is_production if self.online_banking is None else self.online_banking

    @property
    def bulkheads(self) -> BulkheadLimits:
        return BulkheadLimits(self.concurrency, self.queue)
