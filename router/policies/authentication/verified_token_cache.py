"""`VerifiedTokens`: a cache of verified tokens, so that a token is not verified again for each request."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from router.storage.lru import Lru

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.policies.authentication.token_sources import FoundToken
    from router.request.identity import Identity
    from servicekit.key_set import KeySet, KeySource


@dataclass(frozen=True, slots=True, eq=False)
class VerifiedToken:
    """A verified token.

    Attributes:
        identity: The identity of the client with the token.
        expires_at: The Unix time from which the token is not accepted any more.
        source: The source of the issuer's keys.
        keys: The keys with which the token was verified.
    """

    identity: Identity
    expires_at: float
    source: KeySource
    keys: KeySet


class VerifiedTokens:
    """A cache of at most `max_tokens` verified tokens, by the SHA-256 digest of the token.

    The tokens themselves are not stored, so a memory dump does not contain them.
    """

    def __init__(self, max_tokens: int, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._entries: Lru[bytes, VerifiedToken] = Lru(max_entries=max_tokens, max_weight=max_tokens)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, token: FoundToken) -> VerifiedToken | None:
        """Return what is known about a token that was verified before.

        Return None if the cache does not have the token, or if the token has expired. Also return None if the issuer's
        keys have changed since the token was verified, because the issuer may have withdrawn the token's key.
        """
        found = self._entries.get(token.digest)
        if found is None or found.source.current() is not found.keys or self._clock() >= found.expires_at:
            return None
        return found

    def put(self, token: FoundToken, verified: VerifiedToken) -> None:
        """Remember that the token was verified."""
        self._entries.put(token.digest, verified, 1)

    def inherit(self, previous: VerifiedTokens, sources: Mapping[KeySource, KeySource]) -> None:
        """At a reload, take over the tokens of `previous`.

        `sources` maps each key source before the reload to the key source of the same issuer after the reload. A token
        whose key source is not in `sources` is dropped.
        """
        for digest, token in reversed(previous._entries.most_used(len(previous))):
            source = sources.get(token.source)
            if source is not None:
                self._entries.put(digest, replace(token, source=source), 1)
