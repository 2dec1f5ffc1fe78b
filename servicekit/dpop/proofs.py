"""Reads and checks DPoP proofs: a client proves with each request that it has a private key (RFC 9449).

A proof is a JWT: its header has the public key, its signature is made with the private key, and its claims name the
request for which it was made. A server calls `read_proof`, then the checks of `Proof`, and remembers `Proof.digest`, so
that nobody can use the proof a second time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import jwt

from servicekit.key_set import PRIVATE_MEMBERS, InvalidKeySet, KeySet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

SCHEME: Final = "dpop"
"""The scheme of the header `Authorization` for a token that is bound to a key, in lower case."""
MAX_CHARACTERS: Final = 8_192
"""The maximum length of a proof; a longer proof is refused. A proof with an RSA key has about 1,000 characters."""
FORBIDDEN_HEADER: Final = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip"})
"""The members of a token's header that would choose or bring the key, or change how the token is read. A proof has
`jwk`; other tokens have none of them."""
# The exceptions that PyJWT raises for an invalid token. For example, a token with very large numbers raises
# `ArithmeticError`, and a token with very deep nesting raises `RecursionError`.
NOT_VALID: Final = (jwt.PyJWTError, TypeError, ValueError, ArithmeticError, RecursionError, AttributeError)

_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_MAX_IDENTIFIER_CHARACTERS: Final = 256
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# The members of a public key from which the thumbprint is computed, in this order (RFC 7638 §3.2, RFC 8037 §2).
_THUMBPRINT_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
}


class InvalidProof(Exception):
    """A proof is not valid.

    Attributes:
        reason: what is wrong, in a few words. It has no value of the client.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof whose signature is valid.

    Attributes:
        claims: its claims; `jti`, `htm`, `htu` and `iat` exist, and may have any type.
        thumbprint: the thumbprint of the key that has signed it.
    """

    claims: Mapping[str, Any]
    thumbprint: str

    def check_key(self, thumbprint: str) -> None:
        """Raise InvalidProof if the proof is not signed with the key of `thumbprint`."""
        if not hmac.compare_digest(self.thumbprint.encode(), thumbprint.encode("utf-8", "surrogatepass")):
            raise InvalidProof("other key")

    def check_request(self, methods: Collection[str], is_our_url: Callable[[str], bool]) -> None:
        """Raise InvalidProof if the proof is for another method or URL. `is_our_url` gets a URL in its normal form."""
        if self.claims["htm"] not in methods:
            raise InvalidProof("method")
        try:
            is_ours = isinstance(self.claims["htu"], str) and is_our_url(normalised(self.claims["htu"]))
        except ValueError:
            is_ours = False
        if not is_ours:
            raise InvalidProof("URL")

    def check_token(self, token: str) -> None:
        """Raise InvalidProof if the proof is for another access token, or for none."""
        given = self.claims.get("ath")
        expected = digest(token.encode("ascii", "replace"))
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), expected.encode()):
            raise InvalidProof("other token")

    def check_age(self, now: float, lifetime: float, clock_skew: float) -> None:
        """Raise InvalidProof if the proof was not made in the last `lifetime` seconds. `now` is in Unix seconds."""
        made_at = self.claims["iat"]
        if not isinstance(made_at, int | float) or not -clock_skew <= now - made_at <= lifetime + clock_skew:
            raise InvalidProof("time")

    @property
    def digest(self) -> bytes:
        """The digest of the key's thumbprint and the claim `jti`, which identifies the proof.

        Raises:
            InvalidProof: `jti` is not a string of 1 to 256 characters.
        """
        identifier = self.claims["jti"]
        if not isinstance(identifier, str) or not 0 < len(identifier) <= _MAX_IDENTIFIER_CHARACTERS:
            raise InvalidProof("identifier")
        return hashlib.sha256(f"{self.thumbprint} {identifier}".encode("utf-8", "surrogatepass")).digest()


def read_proof(text: str, algorithms: Collection[str], *, clock_skew: float, required: Collection[str] = ()) -> Proof:
    """Return a proof after the check of its form, key and signature (RFC 9449 §4.3, items 2 to 7).

    Args:
        text: the value of the header `DPoP`.
        algorithms: the names of the signature algorithms that the proof may have.
        clock_skew: how many seconds the clock of the client may differ, for the claims `exp` and `nbf`.
        required: the claims that the proof must have besides `jti`, `htm`, `htu` and `iat`.

    Raises:
        InvalidProof: the text is not a valid proof.
    """
    if len(text) > MAX_CHARACTERS or _COMPACT.fullmatch(text) is None:
        raise InvalidProof("missing or malformed")
    try:
        header = jwt.get_unverified_header(text)
        algorithm, members = header.get("alg"), header.get("jwk")
        if header.get("typ") != "dpop+jwt":
            raise InvalidProof("type")
        if not isinstance(algorithm, str) or algorithm not in algorithms:
            raise InvalidProof("algorithm")
        if (FORBIDDEN_HEADER - {"jwk"}) & header.keys() or not isinstance(members, dict):
            raise InvalidProof("key")
        claims = jwt.decode(
            text,
            _public_key(members, algorithm),
            algorithms=[algorithm],
            leeway=clock_skew,
            options={"require": ["jti", "htm", "htu", "iat", *required], "verify_aud": False, "verify_iat": False},
        )
    except NOT_VALID as error:
        raise InvalidProof("malformed") from error
    return Proof(claims, thumbprint(members))


def normalised(url: str) -> str:
    """Return a URL without query and fragment, in the form in which equal URLs are equal texts (RFC 3986 §6.2).

    Raises:
        ValueError: The text is not an absolute `http(s)` URL, or contains credentials.
    """
    parts = urlsplit(url)
    default = _DEFAULT_PORTS.get(parts.scheme)
    if default is None or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not an absolute http(s) URL")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path or '/'}"


def thumbprint(members: Mapping[str, Any]) -> str:
    """Return the thumbprint of a public key (RFC 7638): the digest of its required members, sorted by name."""
    required = {name: members[name] for name in _THUMBPRINT_MEMBERS[members["kty"]]}
    return digest(json.dumps(required, separators=(",", ":"), sort_keys=True).encode())


def digest(content: bytes) -> str:
    """Return the SHA-256 digest of `content` in base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _public_key(members: Mapping[str, Any], algorithm: str) -> jwt.PyJWK:
    """Return the key of a proof. A private or weak key, or a key for another algorithm, is refused."""
    if PRIVATE_MEMBERS & members.keys() or members.get("kty") not in _THUMBPRINT_MEMBERS:
        raise InvalidProof("key")
    try:
        key = KeySet.read(json.dumps({"keys": [{**members, "kid": None}]}), (algorithm,)).find(None, algorithm)
    except InvalidKeySet as error:
        raise InvalidProof("key") from error
    if key is None:
        raise InvalidProof("key")
    return key
