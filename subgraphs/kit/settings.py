"""The settings that every subgraph has: how to verify access tokens."""

from __future__ import annotations

from pydantic import Field

from bank.settings import BankSettings


class SubgraphSettings(BankSettings):
    """Attributes of token verification.

    Attributes:
        issuer: the ``iss`` claim that access tokens must have.
        jwks_url: where the public signing keys are; by default below the issuer.
    """

    issuer: str = Field("http://127.0.0.1:3001", alias="AUTH_ISSUER", pattern=r"^https?://")
    jwks_url: str | None = Field(None, alias="AUTH_JWKS_URL", pattern=r"^https?://")

    @property
    def signing_keys_url(self) -> str:
        return self.jwks_url or f"{self.issuer.rstrip('/')}/.well-known/jwks.json"
