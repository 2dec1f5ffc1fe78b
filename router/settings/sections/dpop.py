"""`authentication.jwt.dpop`: access tokens that only the owner of a key can use (RFC 9449)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import SecretStr, field_validator, model_validator

from router.settings.section import Section
from router.settings.types import Count, Duration, HttpUrl, NoneWithoutUrl, RedisUrl

ProofAlgorithm = Literal["ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
"""The name of an algorithm with a public and a private key. A proof with a shared secret would prove nothing."""

_MIN_SECRET_BYTES = 32


class DpopRedis(Section):
    """A Redis in which all workers and routers store the proofs that were used."""

    url: RedisUrl
    """URL of the Redis: redis://, rediss:// or unix://, with credentials if the Redis requires them; never printed."""
    timeout: Duration = 0.1
    """Time limit of a command. If Redis does not respond, requests with a proof are refused with 503."""
    prefix: str = "mosafe:dpop:"
    """The prefix of the keys in Redis."""


class Dpop(Section):
    """Access tokens that are bound to a key of the client (DPoP, RFC 9449).

    The client proves with each request that it has the key, so a stolen token is of no use. Such a token has the claim
    `cnf` with `jkt`, is sent as `Authorization: DPoP <token>`, and needs a proof in the header `DPoP`.
    """

    mode: Literal["off", "accept", "require"] = "off"
    """`off`: proofs are not read, and bound tokens are used like other tokens. `accept`: bound tokens need a proof;
    other tokens are accepted without one. `require`: only bound tokens are accepted."""
    urls: tuple[HttpUrl, ...] = ()
    """The URLs under which clients reach the router, for example `https://api.example.com/graphql`. A proof names the
    URL for which it was made (`htu`)."""
    algorithms: tuple[ProofAlgorithm, ...] = ("ES256", "EdDSA")
    """The signature algorithms that proofs may have."""
    lifetime: Duration = 60.0
    """How old a proof may be (`iat`). `clock_skew` applies too."""
    remembered_proofs: Count = 100_000
    """The largest number of proofs that a worker remembers until they are too old, so that none is used twice. If there
    are more, requests with a proof are refused with 503 until old ones are forgotten."""
    redis: Annotated[DpopRedis | None, NoneWithoutUrl] = None
    """A Redis in which all workers and routers store used proofs. With null, each worker stores its own: a stolen proof
    could then be used once at each worker."""
    nonce_secret: SecretStr | None = None
    """A secret of at least 32 bytes, the same for all workers and routers; never printed. With it, a proof must have a
    recent nonce of the router, so that proofs cannot be made in advance. A client gets the nonce in `DPoP-Nonce`."""
    nonce_lifetime: Duration = 300.0
    """How long a nonce can be used."""
    statement_secret: SecretStr | None = None
    """A secret of at least 32 bytes that the router shares with a server in front of it, such as a REST layer; never
    printed. That server checks the proofs for its own URLs, and states in the signed header `X-Dpop-Checked` which key
    was proved."""

    @field_validator("nonce_secret", "statement_secret")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < _MIN_SECRET_BYTES:
            raise ValueError(f"a secret has at least {_MIN_SECRET_BYTES} bytes")
        return value

    @model_validator(mode="after")
    def _can_check_proofs(self) -> Dpop:
        if self.mode != "off" and not self.urls:
            raise ValueError("give `urls`: a proof is only valid for the URL of the router")
        if not self.algorithms:
            raise ValueError("an empty list of `algorithms` would refuse every proof")
        return self
