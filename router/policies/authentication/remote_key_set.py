"""`RemoteKeys`: the JWK set at a URL, fetched again when it is old or when a token has an unknown key id.

    age of the keys          what a request does
    < refresh_interval       uses the keys
    < longest_stale          uses the keys; one fetch runs in the background
    more, or no keys         waits for a fetch; if the fetch fails, the response has the status 503

A token with an unknown key id waits for a fetch too, because the issuer may have just started to use a new key. Forged
tokens have unknown key ids, so such fetches are at least `unknown_key_interval` apart.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from router.policies.authentication.refusals import CredentialUndecided
from router.request.security_events import SecurityEvent, report
from router.transport.remote_text_file import TextFileUnavailable
from servicekit.key_set import InvalidKeySet, KeySet, KeySource

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import jwt

    from router.settings.sections.authentication import KeySetSource
    from router.transport.remote_text_file import RemoteTextFile

RETRY_SECONDS: Final = 1.0
"""The shortest time between a failed fetch and the next one."""


class RemoteKeys:
    """A `KeySource` for the JWK set at a URL. `issuer` names the issuer in the log."""

    def __init__(
        self,
        issuer: str,
        file: RemoteTextFile,
        settings: KeySetSource,
        algorithms: Collection[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._file = file
        self._settings = settings
        self._algorithms = algorithms
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched_at = self._attempted_at = float("-inf")
        self._has_failed = False
        self._fetch: asyncio.Task[None] | None = None

    def current(self) -> KeySet | None:
        age = self._clock() - self._fetched_at
        if age < self._settings.refresh_interval:
            return self._keys
        if self._keys is not None:
            self._start_fetch(RETRY_SECONDS)
        return self._keys if age < self._settings.longest_stale else None

    async def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        keys = self.current()
        key = keys.find(key_id, algorithm) if keys is not None else None
        if key is not None:
            return key
        known = keys is not None and not self._has_failed
        fetch = self._start_fetch(self._settings.unknown_key_interval if known else RETRY_SECONDS)
        if fetch is not None:
            # Other requests wait for the same fetch. If this request is cancelled, the fetch must continue.
            await asyncio.shield(fetch)
            keys = self.current()
        if keys is None:
            raise CredentialUndecided
        return keys.find(key_id, algorithm)

    def inherit(self, previous: KeySource) -> None:
        if isinstance(previous, RemoteKeys):
            self._keys, self._fetched_at = previous._keys, previous._fetched_at  # noqa: SLF001  (same class)

    async def aclose(self) -> None:
        if self._fetch is not None:
            self._fetch.cancel()
        self._file.close()

    def _start_fetch(self, interval: float) -> asyncio.Task[None] | None:
        """Return the running fetch, or start a new fetch.

        Return None if no fetch is running and the last fetch started less than `interval` seconds ago.
        """
        if self._fetch is None or self._fetch.done():
            if self._clock() - self._attempted_at < interval:
                return None
            self._attempted_at = self._clock()
            self._fetch = asyncio.get_running_loop().create_task(self._refresh())
        return self._fetch

    async def _refresh(self) -> None:
        try:
            text = await self._file.read()
            keys = self._keys if text is None else KeySet.read(text, self._algorithms)
        except (TextFileUnavailable, InvalidKeySet) as error:
            self._has_failed = True
            report(SecurityEvent.KEYS_UNAVAILABLE, issuer=self._issuer, reason=str(error))
            return
        self._has_failed = False
        self._fetched_at = self._clock()
        if text is not None and not (self._keys is not None and self._keys.has_text(text)):
            if self._keys is not None and keys is not None:
                report(SecurityEvent.KEYS_CHANGED, issuer=self._issuer, keys=len(keys))
            self._keys = keys
