"""Verifies access tokens: returns the `Caller` whom an `Authorization` header identifies.

Access tokens are JWTs of RFC 9068 (`typ: at+jwt`), signed with rotating asymmetric keys that the auth service publishes
as a JWK set. Every process verifies the tokens itself, even if another process of the platform has sent them.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import httpx
import jwt
import structlog

from bank.api_keys import PREFIX
from bank.verified_tokens import VerifiedToken, VerifiedTokens
from servicekit.errors import TimedOut, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bank.api_keys import ApiKeys
    from bank.revocation import RevocationList

T = TypeVar("T")

AUDIENCE = "mosafe"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068, not a secret
ALGORITHMS = ("ES256", "EdDSA")
# The tolerance for differences between clocks. The clocks of machines that run NTP differ by less.
LEEWAY_SECONDS = 5
# A token with an unknown key id causes a fetch of the key set. This is the minimum time between two such fetches.
# Without it, every forged token would cause a fetch.
REFETCH_SECONDS = 5.0
# The pause after a failed fetch. With a longer pause, the keys would be available too late after the auth service has
# started. A shorter pause could overload an auth service that hangs.
RETRY_SECONDS = 1.0
# How long a withdrawn key may still be accepted. The Cache-Control header of the auth service has the same value.
MAX_AGE_SECONDS = 300.0
FETCH_TIMEOUT_SECONDS = 3.0

# The values of the claim `acr`: how a user has logged in (bank §2.8).
ACR_PASSWORD = "urn:bank:password"  # noqa: S105 - the name of a level, not a secret
ACR_MFA = "urn:bank:mfa"
ACR_PASSKEY = "urn:bank:passkey"
# The levels that need more than a password.
STRONG_ACR_VALUES = (ACR_MFA, ACR_PASSKEY)

CUSTOMER = "CUSTOMER"
SUPPORT = "SUPPORT"
ADMIN = "ADMIN"

# A longer token is refused before it is decoded. Our tokens have about 700 characters.
MAX_TOKEN_LENGTH = 8_192
# The header of our tokens. Whatever else a header may contain (keys, addresses of keys, extensions) is of no use to an
# honest client, so a token with it is refused (RFC 8725 §3.10).
_HEADER_NAMES = frozenset({"alg", "kid", "typ"})
# Matches the compact form of a JWT (RFC 7515 §7.1), without padding. PyJWT accepts more, such as `=` at the end.
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
# Matches the token after the scheme Bearer (RFC 6750 §2.1).
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_UNVERIFIABLE = "Access tokens cannot be verified right now"

_log = structlog.stdlib.get_logger("identity")


@dataclass(frozen=True, slots=True)
class Caller:
    """The person whom a verified access token identifies.

    Attributes:
        user_id: the claim `sub`.
        session_id: the claim `sid`.
        roles: the claim `roles`.
        scopes: the claim `scope`, split at its spaces.
        acr: the claim `acr`: how the user has proved their identity; None in tokens without this claim.
        auth_time: the claim `auth_time`: when the user has done so, in Unix seconds.
        factor_enrolled_at: the claim `factor_enrolled_at`: since when the user has the second factor that was used for
            it, in Unix seconds; None without one.
        client_id: the claim `client_id`: the application to which the person gave the token. None if the token comes
            from the bank's own login.
        key_thumbprint: the member `jkt` of the claim `cnf`: the thumbprint of the key to which the token is bound
            (RFC 9449). None for a bearer token.
    """

    user_id: str
    session_id: str
    roles: frozenset[str]
    scopes: frozenset[str] = frozenset()
    acr: str | None = None
    auth_time: int | None = None
    factor_enrolled_at: int | None = None
    client_id: str | None = None
    key_thumbprint: str | None = None

    @property
    def is_delegated(self) -> bool:
        """Whether the token may do only what its scopes allow (`bank.scopes`)."""
        return self.client_id is not None or bool(self.scopes)


class KeySource(Protocol):
    """Finds public signing keys."""

    async def key(self, key_id: str) -> jwt.PyJWK | None:
        """Return the public key with this id, or None if there is no such key.

        Raises:
            Unavailable: the keys are not available.
            TimedOut: they do not arrive in time.
        """


def bearer_token(authorization: str) -> str:
    """Return the token in an `Authorization` header.

    Raises:
        Unauthenticated: the scheme is not Bearer, or the token contains a character that RFC 6750 does not allow.
    """
    scheme, _, credentials = authorization.partition(" ")
    token = credentials.strip(" ")
    if scheme.lower() != "bearer" or _TOKEN.fullmatch(token) is None:
        raise Unauthenticated
    return token


class TokenVerifier:
    """Verifies access tokens: signature, algorithm, type, issuer, audience, expiry, revocation."""

    def __init__(
        self, *, issuer: str, keys: KeySource, revocations: RevocationList, api_keys: ApiKeys | None = None
    ) -> None:
        """`api_keys` exchanges API keys for access tokens; None refuses API keys."""
        self._issuer = issuer
        self._api_keys = api_keys
        self._keys = keys
        self._revocations = revocations
        self._verified: VerifiedTokens[Caller] = VerifiedTokens()

    async def caller(self, authorization: str | None) -> Caller | None:
        """Return the caller whom an `Authorization` header identifies. Return None if there is no header.

        Raises:
            Unauthenticated: the scheme is not Bearer, or the token is malformed, expired, revoked or of another issuer.
            Unavailable: the signing keys cannot be fetched.
            TimedOut: the auth service does not send them in time.
        """
        if authorization is None:
            return None
        return await self.verify(bearer_token(authorization))

    async def verify(self, token: str) -> Caller:
        """Return the caller whom an access token or an API key identifies.

        Raises:
            RateLimited: too many API keys were exchanged.
            Unauthenticated: the token is malformed, expired, revoked, of another issuer, or bound to a key.
            Unavailable: the signing keys cannot be fetched.
            TimedOut: the auth service does not send them in time.
        """
        caller = await self.holder(token)
        if caller.key_thumbprint is not None:
            raise Unauthenticated
        return caller

    async def holder(self, token: str) -> Caller:
        """Return the caller whom a token identifies, as `verify` does, but also if the token is bound to a key.

        The caller must check that the sender has the key, or that the request needs no such proof.

        Raises:
            RateLimited, Unauthenticated, Unavailable, TimedOut: as `verify`.
        """
        if token.startswith(PREFIX):
            if self._api_keys is None:
                raise Unauthenticated
            return await self._api_keys.caller(token, self.verify)
        caller = await self._known_caller(token) or await self._verified_caller(token)
        if await self._revocations.is_revoked(caller.session_id):
            raise Unauthenticated
        return caller

    async def _known_caller(self, token: str) -> Caller | None:
        """Return the caller of a token that was verified before. It must still be valid, and its key the same."""
        known = self._verified.find(token, time.time())
        if known is None:
            return None
        if await self._keys.key(known.key_id) is not known.key:
            self._verified.drop(token)
            return None
        return known.caller

    async def _verified_caller(self, token: str) -> Caller:
        key_id, key = await self._signing_key(token)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "sub", "sid"]},
            )
            caller = _caller_of(claims)
        except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError) as error:
            raise Unauthenticated from error
        # PyJWT accepts times that can be converted to integers, and compares the integers.
        begins = max(int(claims["iat"]), int(claims.get("nbf", 0))) - LEEWAY_SECONDS
        self._verified.add(token, VerifiedToken(caller, key_id, key, begins, int(claims["exp"]) + LEEWAY_SECONDS))
        return caller

    async def ping(self) -> None:
        """Check that the list of revoked sessions can be read.

        Raises:
            StoreFailure: the list cannot be read. The error contains the reason.
        """
        await self._revocations.is_revoked("")

    async def _signing_key(self, token: str) -> tuple[str, jwt.PyJWK]:
        """Return the id of the key that the token names, and the key."""
        if len(token) > MAX_TOKEN_LENGTH or _JWT.fullmatch(token) is None:
            raise Unauthenticated
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise Unauthenticated from error
        key_id = header.get("kid")
        typ = header.get("typ")
        is_known = header.keys() == _HEADER_NAMES and header["alg"] in ALGORITHMS
        acceptable = is_known and isinstance(typ, str) and typ.lower() == TOKEN_TYPE
        if not acceptable or not isinstance(key_id, str):
            raise Unauthenticated
        key = await self._keys.key(key_id)
        if key is None or key.algorithm_name != header["alg"]:
            raise Unauthenticated
        return key_id, key


def _caller_of(claims: dict[str, Any]) -> Caller:
    roles, scope = claims.get("roles", []), claims.get("scope", "")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise TypeError("roles is not a list of strings")
    client_id = _optional(claims, "client_id", str)
    if not isinstance(claims["sid"], str) or not isinstance(scope, str):
        raise TypeError("sid or scope is not a string")
    return Caller(
        claims["sub"],
        claims["sid"],
        frozenset(roles),
        frozenset(scope.split()),
        acr=_optional(claims, "acr", str),
        auth_time=_optional(claims, "auth_time", int),
        factor_enrolled_at=_optional(claims, "factor_enrolled_at", int),
        client_id=client_id,
        key_thumbprint=_key_thumbprint(claims),
    )


def _key_thumbprint(claims: dict[str, Any]) -> str | None:
    """Return the thumbprint of the key to which a token is bound. Raises ValueError if it is bound in another way."""
    if "cnf" not in claims:
        return None
    confirmation = claims["cnf"]
    if not isinstance(confirmation, dict) or confirmation.keys() != {"jkt"} or not isinstance(confirmation["jkt"], str):
        raise ValueError("the token is bound to a key (RFC 7800) in a way that is not known")
    return confirmation["jkt"]


def _optional(claims: dict[str, Any], name: str, kind: type[T]) -> T | None:
    """Return a claim of the type `kind`, or None if it is missing. Raises TypeError if it has another type."""
    value = claims.get(name)
    if value is None or (isinstance(value, kind) and not isinstance(value, bool)):
        return value
    raise TypeError(f"{name} has a wrong type")


class RemoteKeys:
    """The JWK set at a URL. It is fetched on first use, when it is too old, and when a token names an unknown key.

    If a fetch fails, the old set is still used, because a short failure of the auth service must not stop the bank.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Any]], *, clock: Callable[[], float] = time.monotonic) -> None:
        """`fetch` returns the parsed JSON of the set, or raises `httpx.HTTPError` or `ValueError`."""
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._attempted_at = float("-inf")
        self._fetched_at = float("-inf")
        # The error that the last fetch caused, or None if it succeeded.
        self._failure: type[TimedOut | Unavailable] | None = None
        self._lock = asyncio.Lock()

    @classmethod
    def at(cls, url: str, client: httpx.AsyncClient) -> RemoteKeys:
        async def fetch() -> Any:
            response = await client.get(url, timeout=FETCH_TIMEOUT_SECONDS)
            response.raise_for_status()
            return response.json()

        return cls(fetch)

    async def key(self, key_id: str) -> jwt.PyJWK | None:
        if key_id in self._keys:
            await self._renew_if_old()
            return self._keys.get(key_id)
        async with self._lock:
            if key_id not in self._keys:
                await self._refresh_unless_recent()
        return self._keys.get(key_id)

    async def _renew_if_old(self) -> None:
        # Only one request fetches a new set and waits for it. Concurrent requests use the old set.
        if self._clock() - self._fetched_at < MAX_AGE_SECONDS or self._lock.locked():
            return
        async with self._lock:
            with contextlib.suppress(Unavailable, TimedOut):
                await self._refresh_unless_recent()

    async def _refresh_unless_recent(self) -> None:
        """Fetch the set unless the last attempt was recent.

        Raises:
            Unavailable: this attempt or the recent one failed.
            TimedOut: the auth service did not respond in time.
        """
        pause = REFETCH_SECONDS if self._failure is None else RETRY_SECONDS
        if self._clock() - self._attempted_at >= pause:
            await self._refresh()
        elif self._failure is not None:
            raise self._failure(_UNVERIFIABLE)

    async def _refresh(self) -> None:
        self._attempted_at = self._clock()
        # Until the response arrives, the fetch counts as failed. So a cancelled fetch counts as failed too.
        self._failure = Unavailable
        try:
            document = await self._fetch()
            keys = {k.key_id: k for k in jwt.PyJWKSet.from_dict(document).keys if k.key_id}
        except (httpx.HTTPError, ValueError, TypeError, AttributeError, jwt.PyJWTError) as error:
            _log.warning("cannot fetch the signing keys", error=type(error).__name__)
            if isinstance(error, httpx.ReadTimeout):
                self._failure = TimedOut
            raise self._failure(_UNVERIFIABLE) from error
        self._keys, self._fetched_at, self._failure = keys, self._clock(), None
