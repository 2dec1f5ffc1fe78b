"""Who is calling: access tokens in, a `Caller` out.

Access tokens are JWTs of RFC 9068 (`typ: at+jwt`) signed with rotating asymmetric keys that the auth service
publishes as a JWK set. Every process verifies them itself; a header is never trusted because it came from inside.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import httpx
import jwt
import structlog

from servicekit.errors import Unauthenticated, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bank.revocation import RevocationList

AUDIENCE = "mosafe"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068, not a secret
ALGORITHMS = ("ES256", "EdDSA")
# Clocks of machines that run NTP differ by less.
LEEWAY_SECONDS = 5
# An unknown key id makes us ask for the set again; a flood of forged ids must not become a flood of requests.
REFETCH_SECONDS = 5.0
# After a fetch that failed: an auth service that is starting is found soon, one that hangs is not asked by all at once.
RETRY_SECONDS = 1.0
# A withdrawn key must not be trusted for ever; the auth service's Cache-Control says the same.
MAX_AGE_SECONDS = 300.0
FETCH_TIMEOUT_SECONDS = 3.0

CUSTOMER = "CUSTOMER"
SUPPORT = "SUPPORT"
ADMIN = "ADMIN"

_UNVERIFIABLE = "Access tokens cannot be verified right now"

_log = structlog.stdlib.get_logger("identity")


@dataclass(frozen=True, slots=True)
class Caller:
    """The person behind a verified access token.

    Attributes:
        user_id: claim `sub`. session_id: claim `sid`. roles: claim `roles`. scopes: claim `scope`, split.
    """

    user_id: str
    session_id: str
    roles: frozenset[str]
    scopes: frozenset[str] = frozenset()

    @property
    def is_staff(self) -> bool:
        """Whether the caller may see every customer's data."""
        return bool(self.roles & {SUPPORT, ADMIN})

    @property
    def is_admin(self) -> bool:
        return ADMIN in self.roles

    def may_see(self, owner_id: str | None) -> bool:
        """Whether data owned by `owner_id` is the caller's to see."""
        return self.is_staff or (owner_id is not None and owner_id == self.user_id)


class KeySource(Protocol):
    async def key(self, key_id: str) -> jwt.PyJWK | None:
        """The public key with this id, or None. Raises Unavailable when that cannot be known."""


class TokenVerifier:
    """Verifies access tokens: signature, algorithm, type, issuer, audience, expiry, revocation."""

    def __init__(self, *, issuer: str, keys: KeySource, revocations: RevocationList) -> None:
        self._issuer = issuer
        self._keys = keys
        self._revocations = revocations

    async def caller(self, authorization: str | None) -> Caller | None:
        """The caller behind an `Authorization` header; None when there is no header at all.

        Raises:
            Unauthenticated: another scheme than Bearer, or a token that is malformed, expired, revoked or not ours.
            Unavailable: the signing keys cannot be fetched.
        """
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated
        return await self.verify(token.strip())

    async def verify(self, token: str) -> Caller:
        """The caller behind an access token; raises as `caller` does."""
        key = await self._signing_key(token)
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
        except (jwt.InvalidTokenError, TypeError, ValueError) as error:
            raise Unauthenticated from error
        if await self._revocations.is_revoked(caller.session_id):
            raise Unauthenticated
        return caller

    async def _signing_key(self, token: str) -> jwt.PyJWK:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise Unauthenticated from error
        key_id = header.get("kid")
        typ = header.get("typ")
        acceptable = header.get("alg") in ALGORITHMS and isinstance(typ, str) and typ.lower() == TOKEN_TYPE
        if not acceptable or not isinstance(key_id, str):
            raise Unauthenticated
        key = await self._keys.key(key_id)
        if key is None or key.algorithm_name != header["alg"]:
            raise Unauthenticated
        return key


def _caller_of(claims: dict[str, Any]) -> Caller:
    roles, scope = claims.get("roles", []), claims.get("scope", "")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise TypeError("roles is not a list of strings")
    if not isinstance(claims["sid"], str) or not isinstance(scope, str):
        raise TypeError("sid or scope is not a string")
    return Caller(claims["sub"], claims["sid"], frozenset(roles), frozenset(scope.split()))


class RemoteKeys:
    """The JWK set at a URL: fetched at first need, when it is old, and when a token names a key that is not in it.

    An old set that cannot be fetched again is still used: a short failure of the auth service must not stop the bank.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Any]], *, clock: Callable[[], float] = time.monotonic) -> None:
        """`fetch` returns the parsed JSON of the set, or raises `httpx.HTTPError` or `ValueError`."""
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at = float("-inf")
        self._fetched_at = float("-inf")
        self._failing = False
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
                await self._ask_again()
        return self._keys.get(key_id)

    async def _renew_if_old(self) -> None:
        # One request pays for the fetch; those that come meanwhile go on with the old set.
        if self._clock() - self._fetched_at < MAX_AGE_SECONDS or self._lock.locked():
            return
        async with self._lock:
            with contextlib.suppress(Unavailable):
                await self._ask_again()

    async def _ask_again(self) -> None:
        """Fetch the set unless that was just done; raises Unavailable when it failed, now or just before."""
        pause = RETRY_SECONDS if self._failing else REFETCH_SECONDS
        if self._clock() - self._asked_at >= pause:
            await self._refresh()
        elif self._failing:
            raise Unavailable(_UNVERIFIABLE)

    async def _refresh(self) -> None:
        self._asked_at = self._clock()
        # Until the answer is there, so that a cancelled fetch counts as a failed one.
        self._failing = True
        try:
            document = await self._fetch()
            keys = {k.key_id: k for k in jwt.PyJWKSet.from_dict(document).keys if k.key_id}
        except (httpx.HTTPError, ValueError, TypeError, AttributeError, jwt.PyJWTError) as error:
            _log.warning("cannot fetch the signing keys", error=type(error).__name__)
            raise Unavailable(_UNVERIFIABLE) from error
        self._keys, self._fetched_at, self._failing = keys, self._clock(), False
