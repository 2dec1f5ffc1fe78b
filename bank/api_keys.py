"""API keys of machines: a process exchanges a key for a short-lived access token of its owner (bank §2.24).

The auth service exchanges a key, and every process verifies the resulting access token as any other. So a revoked key,
and a disabled owner, are refused at once: the session of the token is in the list of revoked sessions.

A token is used for a minute. Then the key is exchanged again, so the auth service knows when a key was last used. If
the auth service does not respond, the token is used until it expires.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import httpx

from servicekit import client_address
from servicekit.errors import RateLimited, TimedOut, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

C = TypeVar("C")

# A key has a prefix that secret scanners can find, its public id, and 256 random bits.
KEY: Final = re.compile(r"msk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
PREFIX: Final = "msk_"
HEADER: Final = "x-api-key"
TOKEN_PATH: Final = "/api-keys/token"  # noqa: S105 - a path
_USE_SECONDS: Final = 60.0
_TIMEOUT_SECONDS: Final = 3.0
_MAX_KEPT_KEYS: Final = 1_000


@dataclass(frozen=True, slots=True)
class ExchangedToken:
    """An access token, and the number of seconds until it expires."""

    text: str
    expires_in: float


class ApiKeyExchange(Protocol):
    """Exchanges API keys for access tokens."""

    async def exchange(self, api_key: str) -> ExchangedToken:
        """Return an access token for a key.

        Raises:
            Unauthenticated: the key is unknown, revoked or expired, or its owner is disabled.
            RateLimited: too many keys were exchanged.
            Unavailable: the auth service does not respond.
            TimedOut: it does not respond in time.
        """


@dataclass(slots=True)
class _Kept:
    """The last token of a key. The lock lets only one request of the process exchange the key."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str = ""
    renew_at: float = 0.0
    expires_at: float = 0.0


def authorization_of(headers: Mapping[str, str]) -> str | None:
    """Return the `Authorization` header; without it, one that has the key in `X-API-Key`; None without both."""
    key = headers.get(HEADER)
    return headers.get("authorization") or (None if key is None else f"Bearer {key}")


class ApiKeys:
    """The keys that clients of this process send, with their tokens. Only digests of the keys are kept."""

    def __init__(self, exchange: ApiKeyExchange, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._exchange = exchange
        self._clock = clock
        self._kept: dict[bytes, _Kept] = {}

    async def caller(self, api_key: str, verify: Callable[[str], Awaitable[C]]) -> C:
        """Return the caller whom a key identifies. `verify` verifies an access token.

        Raises:
            Unauthenticated: the key is malformed, or as `ApiKeyExchange.exchange`.
            RateLimited: as there.
            Unavailable: as there.
            TimedOut: as there.
        """
        if KEY.fullmatch(api_key) is None:
            raise Unauthenticated
        digest = hashlib.sha256(api_key.encode()).digest()
        kept = self._kept.setdefault(digest, _Kept())
        while len(self._kept) > _MAX_KEPT_KEYS:
            del self._kept[next(iter(self._kept))]
        try:
            before = kept.token
            token = await self._token(kept, api_key)
            try:
                return await verify(token)
            except Unauthenticated:
                # The session of an older token has ended, for example because a role of the owner was revoked.
                if token != before:
                    raise
            return await verify(await self._token(kept, api_key, refused=token))
        except Unauthenticated:
            self._kept.pop(digest, None)
            raise

    async def _token(self, kept: _Kept, api_key: str, refused: str | None = None) -> str:
        """Return the kept token, or a new one if it is time for it or if the kept token is `refused`."""
        if self._clock() < kept.renew_at and kept.token != refused:
            return kept.token
        async with kept.lock:
            now = self._clock()
            if now < kept.renew_at and kept.token != refused:
                return kept.token  # another request has exchanged the key in the meantime
            try:
                exchanged = await self._exchange.exchange(api_key)
            except (Unavailable, TimedOut, RateLimited):
                if now < kept.expires_at and kept.token != refused:
                    return kept.token
                raise
            now = self._clock()
            kept.token, kept.expires_at = exchanged.text, now + exchanged.expires_in
            kept.renew_at = min(kept.expires_at, now + _USE_SECONDS)
            return kept.token


class RemoteExchange:
    """Exchanges keys at the auth service."""

    def __init__(self, auth_url: str, client: httpx.AsyncClient) -> None:
        """`auth_url` is the base URL of the auth service."""
        self._url = auth_url.rstrip("/") + TOKEN_PATH
        self._client = client

    async def exchange(self, api_key: str) -> ExchangedToken:
        headers = {"authorization": f"Bearer {api_key}", **client_address.outgoing_headers()}
        try:
            response = await self._client.post(self._url, headers=headers, timeout=_TIMEOUT_SECONDS)
            if response.status_code == httpx.codes.UNAUTHORIZED:
                raise Unauthenticated
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                raise RateLimited(retry_after=_seconds(response.headers.get("retry-after")))
            response.raise_for_status()
            document = response.json()
            return ExchangedToken(str(document["access_token"]), float(document["expires_in"]))
        except httpx.ReadTimeout as error:
            raise TimedOut("API keys cannot be verified right now") from error
        except (httpx.HTTPError, ValueError, TypeError, KeyError) as error:
            raise Unavailable("API keys cannot be verified right now") from error


def _seconds(header: str | None) -> int:
    return int(header) if header is not None and header.isascii() and header.isdigit() else 1
