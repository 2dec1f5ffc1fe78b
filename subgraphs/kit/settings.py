"""Settings that every subgraph has: its port, and how access tokens are verified."""

from __future__ import annotations

from pydantic import Field

from bank.settings import BankSettings
from servicekit.settings import Port


class SubgraphSettings(BankSettings):
    """Settings of token verification.

    Attributes:
        port: each service declares it again with its variable and default.
        issuer: the `iss` claim that access tokens must have.
        jwks_url: where the public signing keys are; by default below the issuer.
    """

    port: Port = 0
    issuer: str = Field("http://127.0.0.1:3001", alias="AUTH_ISSUER", pattern=r"^https?://")
    jwks_url: str | None = Field(None, alias="AUTH_JWKS_URL", pattern=r"^https?://")

    @property
    def signing_keys_url(self) -> str:
        return self.jwks_url or f"{self.issuer.rstrip('/')}/.well-known/jwks.json"
