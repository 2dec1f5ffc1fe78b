"""`signatures`: the router signs its requests to subgraphs, so that subgraphs can refuse all other requests."""

# ruff: noqa: TC001, TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr, field_validator, model_validator

from router.settings.section import Section
from router.settings.types import Duration, FilePath, HeaderName
from servicekit.http_signatures.keys import MIN_SECRET_BYTES, check_key_id

_MAX_LIFETIME_SECONDS = 300.0
"""`VerificationPolicy` of `servicekit` refuses signatures that are valid for a longer time."""


class SignatureKey(Section):
    """The key that signs. Without `secret` and `private_key`, requests are not signed."""

    secret: SecretStr | None = None
    """A secret that the router shares with the subgraph, at least 32 bytes; never printed. The algorithm is
    hmac-sha256."""
    private_key: FilePath | None = None
    """A PEM file with an Ed25519 private key. The algorithm is ed25519. Subgraphs need only the public key, so they
    cannot sign requests. Signing and verifying takes more time than with `secret`."""
    id: str | None = None
    """The id of the key in signatures (`keyid`). By default, it is a fingerprint of the key."""

    @property
    def is_given(self) -> bool:
        return self.secret is not None or self.private_key is not None

    @field_validator("secret")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"a secret has at least {MIN_SECRET_BYTES} bytes")
        return value

    @field_validator("id")
    @classmethod
    def _is_readable(cls, value: str | None) -> str | None:
        return check_key_id(value) if value is not None else None

    @model_validator(mode="after")
    def _is_one_key(self) -> SignatureKey:
        if self.secret is not None and self.private_key is not None:
            raise ValueError("give either `secret` or `private_key`")
        return self


class SubgraphSignatures(Section):
    """How requests to one subgraph are signed. If a key is missing here, the value in `signatures.all` applies."""

    key: SignatureKey | None = None
    """The key that signs. `{}` means that requests to this subgraph are not signed."""
    lifetime: Duration | None = None
    """How long a signature is valid, at most 5 minutes."""
    headers: tuple[HeaderName, ...] | None = None
    """Headers that a signature covers if the request has them."""

    @field_validator("lifetime")
    @classmethod
    def _is_short(cls, value: float | None) -> float | None:
        return value if value is None else _lifetime(value)


class AllSignatures(Section):
    """How requests to every subgraph are signed."""

    key: SignatureKey = SignatureKey.model_construct()
    """The key that signs. Without a key, requests are not signed."""
    lifetime: Duration = 60.0
    """How long a signature is valid, at most 5 minutes. A request is signed just before it is sent."""
    headers: tuple[HeaderName, ...] = ("authorization", "cookie")
    """Headers that a signature covers if the request has them. Headers of `authentication.forward` are always covered.
    The method, the URL, the media type and a digest of the body are always covered too."""

    @field_validator("lifetime")
    @classmethod
    def _is_short(cls, value: float) -> float:
        return _lifetime(value)


class Signatures(Section):
    """Signatures of the requests to subgraphs (RFC 9421), so that a subgraph can refuse all other requests."""

    all: AllSignatures = AllSignatures.model_construct()
    """How requests to every subgraph are signed."""
    subgraphs: Mapping[str, SubgraphSignatures] = {}
    """For each subgraph name, how requests to this subgraph are signed."""

    def of(self, subgraph: str) -> AllSignatures:
        """Return the settings of one subgraph. If a key is not set in `subgraphs`, the value in `all` applies."""
        own = self.subgraphs.get(subgraph)
        if own is None:
            return self.all
        given = {name: value for name in SubgraphSignatures.model_fields if (value := getattr(own, name)) is not None}
        return self.all.model_copy(update=given)


def _lifetime(value: float) -> float:
    if not 1 <= value <= _MAX_LIFETIME_SECONDS:
        raise ValueError("the lifetime of a signature is between 1 s and 5 minutes")
    return value
