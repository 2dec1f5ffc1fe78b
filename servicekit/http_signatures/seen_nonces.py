"""Remembers the nonces of accepted requests, so that no request is accepted twice (replay).

A nonce is remembered until its signature has expired. The memory is bounded. When it is full, the nonces that expire
first are forgotten, and from then on all requests are refused whose signatures expire as early as those. So a flood of
requests makes the accepted time shorter, but no request is ever accepted twice.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicekit.http_signatures.request_verifier import VerifiedHead

MAX_NONCES: Final = 500_000
"""The largest number of nonces in memory: at 60 s, 8,000 requests a second. They take about 50 MB."""


class NoncesUnavailable(Exception):
    """The store does not respond, so nobody knows whether the nonce is new. The request must be refused."""


class SeenNonces(Protocol):
    """A store of nonces."""

    async def is_first(self, head: VerifiedHead) -> bool:
        """Remember the nonce of a request with a valid signature. Return whether the request is new.

        Raises:
            NoncesUnavailable: the store does not respond.
        """

    async def aclose(self) -> None:
        """Close the connections of the store."""


class MemoryNonces:
    """The store of one process.

    A new process has no nonces. So it refuses requests that were signed before it has started: another process may have
    accepted them.
    """

    def __init__(self, *, most: int = MAX_NONCES, clock: Callable[[], float] = time.time) -> None:
        """Create the store.

        Args:
            most: the largest number of nonces.
            clock: returns Unix seconds.
        """
        self._most = most
        self._clock = clock
        self._started = math.floor(clock())
        self._ends: dict[int, set[str]] = {}  # by the second in which signatures expire: their nonces
        self._forgotten_until = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    async def is_first(self, head: VerifiedHead) -> bool:
        if head.created < self._started or head.ends <= self._forgotten_until:
            return False
        nonces = self._ends.get(head.ends)
        if nonces is None:
            self._forget_expired()
            nonces = self._ends[head.ends] = set()
        elif head.nonce in nonces:
            return False
        if self._count >= self._most:
            self._forget(min(self._ends))
            if head.ends <= self._forgotten_until:
                return False
        nonces.add(head.nonce)
        self._count += 1
        return True

    async def aclose(self) -> None:
        """Do nothing: the store has no connections."""

    def _forget_expired(self) -> None:
        now = self._clock()
        for ends in [each for each in self._ends if each < now]:
            self._forget(ends)

    def _forget(self, ends: int) -> None:
        """Forget the nonces of one second, and accept no more signatures that expire as early.

        This holds for expired signatures too: they would be valid again if somebody set the clock back.
        """
        self._count -= len(self._ends.pop(ends))
        self._forgotten_until = max(self._forgotten_until, ends)
