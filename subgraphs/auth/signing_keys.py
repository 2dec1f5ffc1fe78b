"""Signing keys: when a key signs, how long it is published, and how it is encrypted in the store.

A key is published before it signs and after it has stopped signing. A verifier whose key set is not older than
`KEY_SET_AGE` can verify every valid token:

```
key A   ──publish, sign───────────────────┬──publish only──┐
key B                 ──publish only──────┴──publish, sign───────────
                      created             active_from      (end of A's last token)
```

Each key has two times: `created_at` and `active_from`. The phases of all keys follow from these times, so nothing else
is stored about the phases.

If the clock was ahead for a while, there may be keys with times in the future. Verifiers already have these keys. If no
other key can sign, the key with the earliest `active_from` signs, and `redated` changes its times to the present.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from bank.identity import LEEWAY_SECONDS
from servicekit.errors import ConfigurationError
from subgraphs.auth.domain import ACCESS_LIFETIME
from subgraphs.auth.sealing import Sealer

if TYPE_CHECKING:
    from collections.abc import Sequence

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
# The algorithms of `AUTH_SIGNING_ALGORITHM` (RFC 7518 §3.4, RFC 8037 §3.1). Every verifier accepts both.
Algorithm: TypeAlias = Literal["ES256", "EdDSA"]
# The max-age in the Cache-Control header of the key set.
KEY_SET_AGE: Final = timedelta(minutes=5)
# The time between the publication of a key and its first signature. A verifier may fetch the key set late, so the time
# is twice the largest age of a cached key set.
PUBLISH_AHEAD: Final = 2 * KEY_SET_AGE
# How long a key is published after it has stopped signing. This is the lifetime of its last token, plus the difference
# between clocks that verifiers tolerate.
PUBLISH_AFTER: Final = ACCESS_LIFETIME + timedelta(seconds=LEEWAY_SECONDS)
# How long a key signs. NIST SP 800-57 allows one to three years. With a rotation each month, operators notice soon if
# the rotation does not work.
SIGNING_LIFETIME: Final = timedelta(days=30)

# If a time server sets the clock back a little, a new key may seem to be created in the future. If its creation is at
# most this far in the future, the key keeps its times.
_CLOCK_TOLERANCE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A stored key pair.

    Attributes:
        id: the `kid` of tokens.
        active_from: the time from which the key signs.
        public_jwk: the members of its JWK.
        sealed_private_key: the encrypted private key, as nonce and ciphertext.
    """

    id: str
    created_at: datetime
    active_from: datetime
    public_jwk: dict[str, Any]
    sealed_private_key: bytes

    @property
    def algorithm(self) -> str:
        """The algorithm of the key's signatures, `ES256` or `EdDSA`."""
        return str(self.public_jwk["alg"])


def signing(keys: Sequence[SigningKey], now: datetime) -> SigningKey | None:
    """Return the key that signs at `now`: the key that became active last.

    If no key is active, because the clock was set back, return the key that will become active first. Without any key,
    return None.
    """
    active = [key for key in keys if key.active_from <= now]
    return max(active, key=_by_activation) if active else min(keys, key=_by_activation, default=None)


def redated(keys: Sequence[SigningKey], now: datetime) -> SigningKey | None:
    """Find a key that was created in the future, and return it with new times. Return None if there is none.

    The new `created_at` is `now`. If no key can sign, this key signs from now on, because verifiers already have it.
    Otherwise, it begins to sign later, as a new key does.
    """
    future = [key for key in keys if key.created_at > now + _CLOCK_TOLERANCE]
    if not future:
        return None
    is_needed = all(key.active_from > now for key in keys)
    active_from = now if is_needed else now + PUBLISH_AHEAD
    return replace(min(future, key=_by_activation), created_at=now, active_from=active_from)


def published(keys: Sequence[SigningKey], now: datetime) -> list[SigningKey]:
    """Return the keys that verifiers need at `now`, in the order of their activation."""
    ordered = sorted(keys, key=_by_activation)
    superseded_at = {key.id: successor.active_from for key, successor in pairwise(ordered)}
    return [key for key in ordered if key.id not in superseded_at or now < superseded_at[key.id] + PUBLISH_AFTER]


def is_due(keys: Sequence[SigningKey], now: datetime, algorithm: Algorithm | None = None) -> bool:
    """Whether the successor of the newest key should be published.

    It should if the newest key will soon be too old, or if it signs already but not with `algorithm`. A newest key that
    does not sign yet has no successor for its algorithm. Otherwise, two processes with different settings would add
    keys without end.
    """
    newest = max(keys, key=_by_activation, default=None)
    if newest is None or now >= newest.active_from + SIGNING_LIFETIME - PUBLISH_AHEAD:
        return True
    return algorithm is not None and newest.algorithm != algorithm and now >= newest.active_from


def tokens_end(key: SigningKey, keys: Sequence[SigningKey], now: datetime) -> datetime | None:
    """Return the time from which no token of `key` is valid. Return None if the key signs now.

    A key that has not signed yet has no tokens, so the result is `now`.
    """
    if key == signing(keys, now):
        return None
    if key.active_from > now:
        return now
    return min(other.active_from for other in keys if _by_activation(other) > _by_activation(key)) + PUBLISH_AFTER


def _by_activation(key: SigningKey) -> tuple[datetime, datetime, str]:
    return key.active_from, key.created_at, key.id


class KeyVault:
    """Creates key pairs, and encrypts the private keys under `AUTH_JWT_SECRET`."""

    def __init__(self, secret: str, algorithm: Algorithm = "ES256") -> None:
        """`algorithm` is that of new keys. Stored keys keep theirs."""
        self.algorithm = algorithm
        self._sealer = Sealer(secret, "private signing keys")

    def create(self, created_at: datetime, active_from: datetime) -> SigningKey:
        key_id = secrets.token_urlsafe(12)
        private_key, members = _generate(self.algorithm)
        jwk = {**members, "kid": key_id, "alg": self.algorithm, "use": "sig"}
        encoded = private_key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # The id and the public key are authenticated together with the private key. So nobody can combine the private
        # key of one row with the id or the public key of another row.
        sealed = self._sealer.seal(encoded, bound_to=_associated(key_id, jwk))
        return SigningKey(key_id, created_at, active_from, jwk, sealed)

    def open(self, key: SigningKey) -> PrivateKey:
        """Decrypt and return the private key of `key`.

        Raises:
            ConfigurationError: the key was encrypted with another secret.
        """
        private_key = serialization.load_der_private_key(self._encoded(key), password=None)
        if not isinstance(private_key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            raise TypeError(f"the stored signing key {key.id} is of another type than its algorithms have")
        return private_key

    def reseal(self, key: SigningKey, old: KeyVault) -> SigningKey:
        """Return `key` encrypted under this vault's secret. `old` has the secret under which it is encrypted now.

        Raises:
            ConfigurationError: the key was encrypted with a third secret.
        """
        sealed = self._sealer.seal(old._encoded(key), bound_to=_associated(key.id, key.public_jwk))
        return replace(key, sealed_private_key=sealed)

    def _encoded(self, key: SigningKey) -> bytes:
        try:
            return self._sealer.open(key.sealed_private_key, bound_to=_associated(key.id, key.public_jwk))
        except ConfigurationError:
            raise ConfigurationError(
                "AUTH_JWT_SECRET", f"the stored signing key {key.id} was encrypted with another secret"
            ) from None


def _generate(algorithm: Algorithm) -> tuple[PrivateKey, dict[str, Any]]:
    """Return a new private key, and the members of the JWK of its public key."""
    if algorithm == "EdDSA":
        edwards = ed25519.Ed25519PrivateKey.generate()
        return edwards, dict(OKPAlgorithm.to_jwk(edwards.public_key(), as_dict=True))
    elliptic = ec.generate_private_key(ec.SECP256R1())
    return elliptic, dict(ECAlgorithm.to_jwk(elliptic.public_key(), as_dict=True))


def _associated(key_id: str, jwk: dict[str, Any]) -> bytes:
    return json.dumps([key_id, jwk], sort_keys=True).encode()
