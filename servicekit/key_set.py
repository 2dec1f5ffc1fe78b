"""`KeySet`: the public keys of an issuer, read from a JWK set (RFC 7517 §5)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

import jwt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_CURVES: Final[Mapping[str, str]] = {
    "P-256": "ES256",
    "P-384": "ES384",
    "P-521": "ES512",
    "Ed25519": "EdDSA",
    "Ed448": "EdDSA",
}
_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_SHARED_SECRET: Final = frozenset({"HS256", "HS384", "HS512"})
_MIN_RSA_BITS: Final = 2048
_MIN_SECRET_BYTES: Final = 32
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
# RFC 9864 §2.2 replaces the algorithm name `EdDSA` by one name for each curve. PyJWT knows only `EdDSA`.
_ALIASES: Final[Mapping[str, str]] = {"Ed25519": "EdDSA", "Ed448": "EdDSA"}

MAX_KEYS: Final = 100
"""The maximum number of keys of a JWK set. Further keys are ignored. Issuers publish fewer than ten keys."""


class InvalidKeySet(Exception):
    """The text is not a JWK set."""


class KeySet:
    """Public keys by key id and algorithm. An instance never changes, so a token that it has verified stays valid.

    Each key verifies only signatures of certain algorithms, so a token cannot choose how a key is used (RFC 8725 §3.1).
    The type of the key decides which algorithms these are. A key with the member `alg` has only this algorithm.
    """

    def __init__(self, keys: Mapping[tuple[str | None, str], jwt.PyJWK], text: str) -> None:
        self._keys = keys
        self._text = text

    @classmethod
    def read(cls, text: str, algorithms: Collection[str]) -> KeySet:
        """Read a JWK set. Weak keys are left out, and so are keys for an algorithm that is not in `algorithms`.

        Raises:
            InvalidKeySet: The text is not a JWK set.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidKeySet("not JSON") from error
        entries = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(entries, list):
            raise InvalidKeySet("no member `keys`")
        keys: dict[tuple[str | None, str], jwt.PyJWK] = {}
        for entry in entries[:MAX_KEYS]:
            for algorithm in _algorithms(entry):
                key = _key(entry, algorithm) if algorithm in algorithms else None
                if key is not None:
                    keys.setdefault((key.key_id, algorithm), key)
        return cls(keys, text)

    def __len__(self) -> int:
        return len({key_id for key_id, _ in self._keys})

    def has_text(self, text: str) -> bool:
        """Return whether this set was read from `text`."""
        return self._text == text

    def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """Return the key for a token, or None. `key_id` and `algorithm` come from the header of the token.

        For a token without a key id, a key is returned only if the set has exactly one key for the algorithm.
        """
        if key_id is not None:
            return self._keys.get((key_id, algorithm))
        fitting = [key for (_, served), key in self._keys.items() if served == algorithm]
        return fitting[0] if len(fitting) == 1 else None


class KeySource(Protocol):
    """A source of the keys of one issuer."""

    def current(self) -> KeySet | None:
        """Return the keys that are in memory now. Return None if there are none, or if they are too old."""
        ...

    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """Return the key for a token. Return None if the issuer has no such key.

        Raises:
            CredentialUndecided: The keys are not available (an exception of the router).
        """
        ...

    def inherit(self, previous: KeySource) -> None:
        """Take over the keys of `previous`, which has the same settings."""

    async def aclose(self) -> None:
        """Close connections."""


class FixedKeys:
    """A `KeySource` for a JWK set in a file. The keys change only when a reload reads the file again."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    def current(self) -> KeySet:
        return self._keys

    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        return self._keys.find(key_id, algorithm)

    def inherit(self, previous: KeySource) -> None:
        """If the file has not changed, take over the `KeySet` object of `previous`.

        `VerifiedTokens` drops the tokens that were verified with another `KeySet` object.
        """
        if isinstance(previous, FixedKeys) and previous._keys.has_text(self._keys._text):  # noqa: SLF001  (same class and module)
            self._keys = previous._keys  # noqa: SLF001  (as above)

    async def aclose(self) -> None:
        pass


def _algorithms(entry: object) -> Iterator[str]:
    """Yield the algorithms for which a JWK can verify signatures.

    The type of the key and its members `use`, `key_ops` and `alg` decide.
    """
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or not _may_verify(entry):
        return
    match entry.get("kty"):
        case "EC" | "OKP":
            curve = entry.get("crv")
            fitting = {_CURVES[curve]} if isinstance(curve, str) and curve in _CURVES else set()
        case "RSA":
            fitting = set(_RSA)
        case "oct":
            fitting = set(_SHARED_SECRET)
        case _:
            fitting = set()
    own = entry.get("alg")
    yield from sorted(name for name in fitting if own is None or name in (own, _ALIASES.get(str(own))))


def _may_verify(entry: Mapping[str, object]) -> bool:
    operations = entry.get("key_ops")
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def _key(entry: Mapping[str, Any], algorithm: str) -> jwt.PyJWK | None:
    """Return the public key of a JWK; None if the JWK is malformed or the key is weak."""
    public = {name: value for name, value in entry.items() if name not in PRIVATE_MEMBERS}
    try:
        key = jwt.PyJWK(public, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if not isinstance(entry.get("kid"), str | None) or _is_weak(key.key):
        return None
    return key


def _is_weak(key: object) -> bool:
    if isinstance(key, bytes):
        return len(key) < _MIN_SECRET_BYTES
    bits = getattr(key, "key_size", None)
    return algorithm_is_rsa(key) and isinstance(bits, int) and bits < _MIN_RSA_BITS


def algorithm_is_rsa(key: object) -> bool:
    """Return whether `key` is an RSA key of the library `cryptography`."""
    return hasattr(key, "public_numbers") and hasattr(key.public_numbers(), "n")
