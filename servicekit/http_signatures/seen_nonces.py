"""Remembers the nonces of accepted requests, so that no request is accepted twice (replay).

A nonce is remembered until its signature has expired. The memory is bounded. When it is full, the nonces that expire
first are forgotten. From then on, a request is refused if its signature expires at the same time as a forgotten nonce,
or earlier. So during a flood of requests, signatures are accepted for a shorter time, but no request is ever accepted
twice.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicekit.http_signatures.request_verifier import VerifiedHead

MAX_NONCES: Final = 500_000
"""The largest number of nonces in memory. So many nonces take about 50 MB.

If each signature is valid for 60 s, this number is enough for 8,000 requests a second.
"""


class NoncesUnavailable(Exception):
    """The store does not respond, so it is unknown whether the nonce is new. The request must be refused."""


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
    """A store of nonces in the memory of one process.

    A new store does not know the nonces that another process has accepted. So it refuses all requests that were signed
    before the store was created. `servicekit.server.serve` creates it before clients can connect, so the requests of
    honest clients are newer.
    """

    def __init__(self, *, max_nonces: int = MAX_NONCES, clock: Callable[[], float] = time.time) -> None:
        """Create the store.

        Args:
            max_nonces: the largest number of nonces.
            clock: returns Unix seconds.
        """
        self._max_nonces = max_nonces
        self._clock = clock
        self._started = math.floor(clock())
        self._ends: dict[int, set[str]] = {}  # Unix second of expiry → nonces of the signatures
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
        if self._count >= self._max_nonces:
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
        """Forget the nonces that expire in the second `ends`. Refuse all further signatures up to `ends`.

        Signatures that have already expired are also refused in this way: they would be valid again if somebody set the
        clock back.
        """
        self._count -= len(self._ends.pop(ends))
        self._forgotten_until = max(self._forgotten_until, ends)
