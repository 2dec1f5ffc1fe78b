"""`ApiKeyExchange`: exchanges API keys for access tokens at an endpoint of the issuer, which knows the keys.

The router sends `POST` with `Authorization: Bearer <key>`, and expects the response of an OAuth token endpoint
(RFC 6749 §5.1, §5.2): 200 with `access_token` and `expires_in`, or 400, 401 or 403 for a key that is not valid. The
token is then verified like the token of any client, so its claims describe the key.

A result is used for the time `cache`. During this time, the router may accept a key that has been revoked, and refuse a
key that has just been created. Only digests of keys are kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from router.policies.authentication.refusals import CredentialRefused, CredentialUndecided
from router.policies.authentication.token_sources import FoundToken
from router.policies.load_operator_functions import PolicySetupError
from router.request.security_events import SecurityEvent, report
from router.transport.client_tls import ClientTls, client_tls_context
from servicekit import client_address, request_ids
from servicekit.errors import ConfigurationError
from servicekit.http1.pool import PoolLimits
from servicekit.http1.service_client import FAILURES, HttpServiceClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.settings.sections.authentication import ApiKeyExchange as Settings
    from servicekit.http1.service_client import ServiceClient

URL_KEY: Final = "authentication.api_keys.exchange.url"
# Real keys are much shorter; a longer one is refused without a request.
MAX_CHARACTERS: Final = 512
_REFUSALS: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_FAILED: Final[tuple[type[Exception], ...]] = (*(kind for kind, _ in FAILURES), ValueError, TypeError, KeyError)


@dataclass(frozen=True, slots=True)
class _Result:
    """The access token of a key, or None for a key that is not valid; and until when this is used."""

    token: str | None
    until: float


class ApiKeyExchange:
    """Exchanges the keys that clients of this router send.

    Args:
        settings: the settings `authentication.api_keys.exchange`.
        client: calls the endpoint; by default over the network.
        clock: returns the time in seconds.

    Raises:
        PolicySetupError: The URL cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        client: ServiceClient | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._own: HttpServiceClient | None = None
        if client is None:
            limits = PoolLimits(connect_seconds=settings.timeout)
            try:
                tls = client_tls_context(URL_KEY, ClientTls.of(settings))
                client = self._own = HttpServiceClient(settings.url, limits, variable=URL_KEY, tls=tls)
            except (ConfigurationError, ValueError) as error:
                raise PolicySetupError(str(error)) from error
        self._client = client
        self._results: dict[bytes, _Result] = {}
        self._running: dict[bytes, asyncio.Task[_Result]] = {}

    def key_of(self, headers: Mapping[str, str], header: str, token: FoundToken | None) -> str | None:
        """Return the API key of a request, or None.

        It is the bearer token if this begins with the prefix of keys; without a token, it is in `header`.
        """
        text = token.text if token is not None else headers.get(header, "")
        is_bearer = token is None or token.scheme == "bearer"
        return text if is_bearer and text.startswith(self._settings.prefix) else None

    async def token(self, key: str, *, refused: FoundToken | None = None) -> FoundToken:
        """Return the access token of a key. If the kept token is `refused`, exchange the key again.

        Raises:
            CredentialRefused: The key is not valid.
            CredentialUndecided: The endpoint does not respond, or not with a token.
        """
        if len(key) > MAX_CHARACTERS or not key.isascii() or not key.isprintable():
            raise CredentialRefused("not a key")
        digest = hashlib.sha256(key.encode()).digest()
        result = self._results.get(digest)
        is_refused = refused is not None and result is not None and result.token == refused.text
        if result is None or is_refused or self._clock() >= result.until:
            result = await self._exchanged(digest, key)
        if result.token is None:
            raise CredentialRefused("unknown key")
        return FoundToken(result.token, "bearer")

    async def aclose(self) -> None:
        """Close the connections."""
        for task in self._running.values():
            task.cancel()
        if self._own is not None:
            self._own.close()

    async def _exchanged(self, digest: bytes, key: str) -> _Result:
        """Exchange a key once for all requests that wait for it."""
        task = self._running.get(digest)
        if task is None:
            task = self._running[digest] = asyncio.get_running_loop().create_task(self._exchange(key))
            task.add_done_callback(lambda done: self._keep(digest, done))
        # If this request is cancelled, the exchange must continue for the others.
        return await asyncio.shield(task)

    def _keep(self, digest: bytes, done: asyncio.Task[_Result]) -> None:
        del self._running[digest]
        if done.cancelled() or done.exception() is not None:
            return
        self._results.pop(digest, None)
        self._results[digest] = done.result()
        while len(self._results) > self._settings.cached_keys:
            del self._results[next(iter(self._results))]

    async def _exchange(self, key: str) -> _Result:
        headers = {
            **request_ids.outgoing_headers(),
            # The issuer limits the attempts of each client.
            **client_address.outgoing_headers(),
            "authorization": f"Bearer {key}",
        }
        began, settings = self._clock(), self._settings
        try:
            response = await self._client.post("", headers, b"", seconds=settings.timeout, repeatable=True)
            if response.status in _REFUSALS:
                return _Result(None, began + settings.cache)
            if response.status != HTTPStatus.OK:
                raise ValueError(f"status {response.status}")
            document = json.loads(response.body)
            token, lifetime = document["access_token"], float(document["expires_in"])
            if not isinstance(token, str):
                raise TypeError("access_token is not a string")
        except _FAILED as error:
            report(SecurityEvent.API_KEYS_UNAVAILABLE, reason=f"{type(error).__name__}: {error}"[:200])
            raise CredentialUndecided from error
        return _Result(token, began + min(settings.cache, lifetime))
