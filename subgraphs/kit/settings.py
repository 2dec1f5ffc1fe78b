"""Settings that every subgraph has: its port, the verification of access tokens, and the limits of a request."""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from bank.settings import BankSettings
from servicekit.settings import Port, Secret
from subgraphs.kit.request_limits import RequestLimits


def _check_brokers(text: str) -> str:
    """Return `text` without spaces. Raises ValueError if it does not have the form `host:port,host:port`."""
    brokers = [broker.strip() for broker in text.split(",")]
    for broker in brokers:
        match = _BROKER.fullmatch(broker)
        if match is None or not 0 < int(match[2]) <= 65535:  # noqa: PLR2004 - the last TCP port
            raise ValueError(f"{broker!r} is not of the form host:port; several are separated by commas")
    return ",".join(brokers)


_BROKER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
# Addresses of Kafka brokers, such as `kafka:9092` or `a:9092,b:9092`.
Brokers = Annotated[str, AfterValidator(_check_brokers)]


def _check_redis_url(url: SecretStr) -> SecretStr:
    """Return `url` if it is valid. Otherwise raise ValueError; its message does not repeat the URL and its password."""
    try:
        parts = urlsplit(url.get_secret_value())
        is_complete = parts.scheme in {"redis", "rediss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_complete = False
    if not is_complete:
        raise ValueError("a URL such as redis://host:6379/0 or rediss://user:password@host:6379/0 is expected")
    return url


_JWKS_PATH: Final = "/.well-known/jwks.json"
# The URL of a Redis server.
RedisUrl = Annotated[SecretStr, AfterValidator(_check_redis_url)]


# Where clients open WebSockets: the URL of the handshake, or of the WebSocket.
WebSocketUrl = Annotated[str, Field(pattern=r"^(https?|wss?)://[^?#]+$")]


class SubgraphSettings(BankSettings):
    """Settings of token verification, of the router's signatures, and of the limits of a request.

    Attributes:
        port: the port of the service. Each service declares this field again with its own variable and default.
        public_url: the URL under which users reach the auth service.
        issuer: the `iss` claim that access tokens must have; by default the public URL.
        jwks_url: the URL of the public signing keys; by default a path of the issuer's URL.
        signatures: whether requests that the router has not signed are refused.
        signature_secret: the secret of the signatures; by default a file in the data directory.
        signature_old_secret: another secret that is accepted too, while the secret is replaced.
        dpop_nonce_secret: makes the nonces that DPoP proofs must contain; None: they need none.
        redis_url: the URL of the Redis that stores what several processes of the service share. If None, it is in the
            memory of the process.
        max_objects: how many objects a request may resolve.
        max_depth: how deeply the fields of a request may be nested.
        max_aliases: how many fields of a request may have an alias.
        request_seconds: how long a request may take.
    """

    port: Port = 0
    public_url: str | None = Field(None, alias="AUTH_PUBLIC_URL", pattern=r"^https?://")
    issuer: str = Field("http://127.0.0.1:3001", alias="AUTH_ISSUER", pattern=r"^https?://")
    jwks_url: str | None = Field(None, alias="AUTH_JWKS_URL", pattern=r"^https?://")

    signatures: bool = Field(default=True, alias="SUBGRAPH_SIGNATURES")
    signature_secret: Secret | None = Field(None, alias="SUBGRAPH_SIGNATURE_SECRET")
    signature_old_secret: Secret | None = Field(None, alias="SUBGRAPH_SIGNATURE_OLD_SECRET")
    dpop_nonce_secret: Secret | None = Field(None, alias="DPOP_NONCE_SECRET")
    redis_url: RedisUrl | None = Field(None, alias="REDIS_URL")

    max_objects: int = Field(2_000, alias="SUBGRAPH_MAX_OBJECTS", ge=1)
    max_depth: int = Field(12, alias="SUBGRAPH_MAX_DEPTH", ge=1, le=100)
    max_aliases: int = Field(30, alias="SUBGRAPH_MAX_ALIASES", ge=0)
    request_seconds: float = Field(30, alias="SUBGRAPH_REQUEST_SECONDS", gt=0, le=600)

    @model_validator(mode="before")
    @classmethod
    def _issuer_is_the_public_address(cls, variables: dict[str, object]) -> dict[str, object]:
        """If AUTH_PUBLIC_URL is set, it is the default of AUTH_ISSUER in every service."""
        public_url = variables.get("AUTH_PUBLIC_URL")
        return {"AUTH_ISSUER": public_url.rstrip("/"), **variables} if isinstance(public_url, str) else variables

    @property
    def request_limits(self) -> RequestLimits:
        return RequestLimits(
            self.max_objects, self.max_depth, self.max_aliases, self.request_seconds, not self.is_production
        )

    @property
    def websocket_url(self) -> str:
        """Where clients open WebSockets: the port of the service on this machine, unless a service has a setting."""
        return f"ws://127.0.0.1:{self.port}/graphql"

    @property
    def auth_url(self) -> str:
        """The base URL of the auth service, where it has the signing keys too."""
        return self.signing_keys_url.removesuffix(_JWKS_PATH)

    @property
    def signing_keys_url(self) -> str:
        return self.jwks_url or f"{self.issuer.rstrip('/')}{_JWKS_PATH}"
