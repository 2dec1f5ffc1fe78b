"""`DpopProofs`: checks that the client has the key to which its access token is bound (DPoP, RFC 9449).

    Authorization: DPoP <token>      the claim `cnf` of the token has the thumbprint of a public key
    DPoP: <proof>                    a JWT: its header has the public key, and the private key has signed it

A proof is for one token, method and URL, and can be used once. A bound token without a proof is refused, because the
token may be stolen. A token that is not bound is refused if it is sent with the scheme `DPoP`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import jwt

from router.policies.authentication.dpop_nonces import Nonces
from router.policies.authentication.jwt_verification import FORBIDDEN_HEADER, NOT_VALID
from router.policies.authentication.key_set import PRIVATE_MEMBERS, InvalidKeySet, KeySet
from router.policies.authentication.refusals import CredentialRefused, CredentialUndecided, NonceMissing
from router.policies.authentication.used_proofs import ProofsUnavailable, TooManyProofs, UsedProofs, digest_of
from router.request.security_events import SecurityEvent, report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.policies.authentication.token_sources import FoundToken
    from router.policies.authentication.used_proofs_in_redis import UsedProofsInRedis
    from router.request.identity import Identity
    from router.request.request_and_response import GraphQLRequest
    from router.settings.sections.dpop import Dpop, DpopRedis

SCHEME: Final = "dpop"
MOST_CHARACTERS: Final = 8_192
"""The maximum length of a proof; a longer proof is refused. A proof with an RSA key has about 1,000 characters."""

_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_MOST_IDENTIFIER_CHARACTERS: Final = 256
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# The members of a public key from which the thumbprint is computed, in this order (RFC 7638 §3.2, RFC 8037 §2).
_THUMBPRINT_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
}


class _Proof(NamedTuple):
    """A proof whose signature is valid, and the thumbprint of the key that has signed it."""

    claims: Mapping[str, Any]
    thumbprint: str


class DpopProofs:
    """Checks the proofs of requests by the settings `authentication.jwt.dpop`."""

    def __init__(self, settings: Dpop, clock_skew: float, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._urls = frozenset(map(normalised, settings.urls))
        self._clock_skew = clock_skew
        self._clock = clock
        secret = settings.nonce_secret
        self._nonces = Nonces(secret.get_secret_value(), settings.nonce_lifetime) if secret is not None else None
        self._used = UsedProofs(settings.remembered_proofs)
        self._shared = _in_redis(settings.redis) if settings.redis is not None else None

    async def check(self, identity: Identity, token: FoundToken, request: GraphQLRequest) -> None:
        """Check the proof of a request whose token is valid.

        Raises:
            CredentialRefused: The token needs a proof, and the request has none that is valid for it.
            NonceMissing: The proof has no recent nonce.
            CredentialUndecided: The proof cannot be remembered now.
        """
        confirmation = identity.claims.get("cnf")
        bound_to = confirmation.get("jkt") if isinstance(confirmation, dict) else None
        if token.scheme != SCHEME:
            if bound_to is not None:
                raise CredentialRefused("bound token without proof")
            if self._settings.mode == "require":
                raise CredentialRefused("token is not bound")
            return
        if not isinstance(bound_to, str):
            raise CredentialRefused("token is not bound")
        proof = self._verified(request.headers.get("dpop", ""))
        now = self._clock()
        if not hmac.compare_digest(proof.thumbprint.encode(), bound_to.encode("utf-8", "surrogatepass")):
            raise CredentialRefused("proof: other key")
        self._check_claims(proof.claims, token, request, now)
        await self._check_first_use(proof, request, now)

    def inherit(self, previous: DpopProofs) -> None:
        """Take over the used proofs of `previous`, the object before a reload."""
        self._used.inherit(previous._used)

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        if self._shared is not None:
            await self._shared.aclose()

    def _verified(self, text: str) -> _Proof:
        if len(text) > MOST_CHARACTERS or _COMPACT.fullmatch(text) is None:
            raise CredentialRefused("proof: missing or malformed")
        try:
            header = jwt.get_unverified_header(text)
            algorithm, members = header.get("alg"), header.get("jwk")
            if header.get("typ") != "dpop+jwt":
                raise CredentialRefused("proof: type")
            if algorithm not in self._settings.algorithms:
                raise CredentialRefused("proof: algorithm")
            if (FORBIDDEN_HEADER - {"jwk"}) & header.keys() or not isinstance(members, dict):
                raise CredentialRefused("proof: key")
            claims = jwt.decode(
                text,
                _public_key(members, algorithm),
                algorithms=[algorithm],
                leeway=self._clock_skew,
                options={"require": ["jti", "htm", "htu", "iat", "ath"], "verify_aud": False, "verify_iat": False},
            )
        except NOT_VALID as error:
            raise CredentialRefused("proof: malformed") from error
        return _Proof(claims, thumbprint(members))

    def _check_claims(self, claims: Mapping[str, Any], token: FoundToken, request: GraphQLRequest, now: float) -> None:
        methods = ("GET", "HEAD") if request.read_only else ("POST",)
        if claims["htm"] not in methods:
            raise CredentialRefused("proof: method")
        if not self._is_our_url(claims["htu"], request):
            raise CredentialRefused("proof: URL")
        hashed = digest(token.text.encode("ascii", "replace"))
        if not isinstance(claims["ath"], str) or not hmac.compare_digest(claims["ath"].encode(), hashed.encode()):
            raise CredentialRefused("proof: other token")
        made_at, skew = claims["iat"], self._clock_skew
        if not isinstance(made_at, int | float) or not -skew <= now - made_at <= self._settings.lifetime + skew:
            raise CredentialRefused("proof: time")
        if self._nonces is not None and not self._nonces.is_recent(claims.get("nonce"), now):
            raise NonceMissing(self._nonces.make(now))

    async def _check_first_use(self, proof: _Proof, request: GraphQLRequest, now: float) -> None:
        identifier = proof.claims["jti"]
        if not isinstance(identifier, str) or not 0 < len(identifier) <= _MOST_IDENTIFIER_CHARACTERS:
            raise CredentialRefused("proof: identifier")
        # All operations of a batch have the same `headers` object and the same deadline. Two different HTTP requests
        # never have both in common: while both requests exist, their `headers` are different objects, and a request
        # that arrives later has another deadline.
        http_request = (id(request.headers), request.deadline) if request.deadline is not None else object()
        seconds = self._settings.lifetime + 2 * self._clock_skew
        digest = digest_of(proof.thumbprint, identifier)
        try:
            is_new = self._used.use(digest, http_request, now=now, seconds=seconds)
            if is_new and self._shared is not None:
                is_new = await self._shared.use(digest, http_request, seconds)
        except TooManyProofs as error:
            raise CredentialUndecided from error
        except ProofsUnavailable as error:
            report(SecurityEvent.PROOFS_UNAVAILABLE, reason=str(error))
            raise CredentialUndecided from error
        if not is_new:
            raise CredentialRefused("proof: used before")

    def _is_our_url(self, url: object, request: GraphQLRequest) -> bool:
        if not isinstance(url, str):
            return False
        try:
            given = normalised(url)
        except ValueError:
            return False
        suffix = f"/{request.document_id}" if request.document_id is not None else ""
        return given in self._urls or (bool(suffix) and given.removesuffix(suffix) in self._urls)


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


def _in_redis(settings: DpopRedis) -> UsedProofsInRedis:
    from router.policies.authentication import used_proofs_in_redis  # noqa: PLC0415  (the Redis client takes long to import, and few routers use Redis)

    return used_proofs_in_redis.UsedProofsInRedis(settings)


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
        raise CredentialRefused("proof: key")
    try:
        key = KeySet.read(json.dumps({"keys": [{**members, "kid": None}]}), (algorithm,)).find(None, algorithm)
    except InvalidKeySet as error:
        raise CredentialRefused("proof: key") from error
    if key is None:
        raise CredentialRefused("proof: key")
    return key
