"""Keeps the list of revoked sessions complete if it is in a Redis, which may lose it (`bank.redis_revocation`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from bank.redis_revocation import EndedSession
from servicekit.errors import StoreFailure, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from bank.redis_revocation import RedisRevocationList
    from subgraphs.auth.store.protocol import AuthStore

# The pause between two checks. After Redis has lost the list, tokens are refused until the next check has completed it.
CHECK_SECONDS: Final = 1.0

_log = structlog.stdlib.get_logger("revocation")


class RevocationKeeper:
    """A `RevocationList` that completes the list in Redis from the store of the auth service.

    Several processes of the service may do this at the same time: one of them completes the list.
    """

    def __init__(
        self, listed: RedisRevocationList, store: AuthStore, *, lifetime: timedelta, clock: Callable[[], datetime]
    ) -> None:
        """Create the keeper.

        Args:
            listed: the list in Redis.
            store: knows all sessions that have ended.
            lifetime: how long an entry is kept after the end of its session.
            clock: returns the time.
        """
        self._listed = listed
        self._store = store
        self._lifetime = lifetime
        self._clock = clock
        # How often a session may have ended without an entry, and how many of these the last completion has covered. At
        # the start, the process before may have crashed between the end of a session and its revocation.
        self._doubts, self._settled = 1, 0
        self._evicted = 0

    async def revoke(self, session_id: str, expires_at: float) -> None:
        try:
            await self._listed.revoke(session_id, expires_at)
        except StoreFailure:
            self._doubts += 1
            raise

    async def is_revoked(self, session_id: str) -> bool:
        return await self._listed.is_revoked(session_id)

    async def check(self) -> None:
        """Complete the list if something may be missing. If this is not possible now, the next check tries it again."""
        doubts = self._doubts
        try:
            state = await self._listed.state()
            is_settled = doubts == self._settled and state.evicted == self._evicted
            if state.is_complete and is_settled:
                return
            # Another process may have completed the list since its state was read. If nothing else is in doubt, that
            # suffices.
            if await self._listed.complete(self._ended, unless_marked=is_settled):
                self._settled = doubts
                self._note_evictions(state.evicted)
                _log.info("the revocation list is complete")
        except Unavailable as error:
            # The store and the list have logged what is wrong. A command that ends sessions cannot reach them either.
            self._doubts += 1
            _log.debug("the revocation list is not completed now", reason=type(error).__name__)

    def _note_evictions(self, evicted: int) -> None:
        if evicted > self._evicted:
            _log.warning("Redis evicts keys; set maxmemory-policy to noeviction", variable="REDIS_URL", keys=evicted)
        self._evicted = evicted

    async def _ended(self) -> Sequence[EndedSession]:
        sessions = await self._store.sessions_ended_since(self._clock() - self._lifetime)
        return [
            EndedSession(session.id, (session.ended_at + self._lifetime).timestamp())
            for session in sessions
            if session.ended_at is not None
        ]
