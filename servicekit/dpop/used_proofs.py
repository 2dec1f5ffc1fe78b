"""Remembers the proofs that were used, so that no proof is accepted a second time (RFC 9449 §11.1).

`UsedProofs` is the memory of one process. `ProofMemory` also asks a Redis that several processes share, if there is
one.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable


class TooManyProofs(Exception):
    """No further proof can be remembered now, so no further proof can be accepted."""


class ProofsUnavailable(Exception):
    """It is unknown whether a proof was used: Redis does not respond. The message has only the class of the error."""


class UsedProofs:
    """The digests of at most `most` proofs. A proof is forgotten when it is too old to be accepted again."""

    def __init__(self, most: int) -> None:
        self._most = most
        # Each digest with the time at which it is forgotten, and the HTTP request that used the proof. The oldest entry
        # is forgotten first. If it is remembered for longer than the entries after it, these wait for it: a proof may
        # be remembered for too long, but never for too short a time.
        self._used: OrderedDict[bytes, tuple[float, Hashable]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._used)

    def use(self, digest: bytes, request: Hashable, *, now: float, seconds: float) -> bool:
        """Remember for `seconds` that `request` uses a proof. Return whether no other request has used the proof.

        Args:
            digest: The digest of the proof (`servicekit.dpop.proofs.Proof.digest`).
            request: The HTTP request. The operations of a batch are one HTTP request, and share a proof.
            now: The current time in seconds.
            seconds: How long the proof can still be accepted, at most.

        Raises:
            TooManyProofs: There is no room. To forget a proof early would allow a second use.
        """
        self._forget(now)
        known = self._used.get(digest)
        if known is not None:
            return known[1] == request
        if len(self._used) >= self._most:
            raise TooManyProofs
        self._used[digest] = (now + seconds, request)
        return True

    def inherit(self, previous: UsedProofs) -> None:
        """Take over the proofs of `previous`, so that a reload does not allow a second use."""
        self._used = previous._used

    def _forget(self, now: float) -> None:
        used = self._used
        while used and next(iter(used.values()))[0] <= now:
            used.popitem(last=False)


class SharedProofs(Protocol):
    """A store of used proofs that several processes share (`used_proofs_in_redis`)."""

    async def use(self, digest: bytes, request: Hashable, seconds: float) -> bool:
        """Remember a proof as `ProofMemory.use` does. Raises ProofsUnavailable."""

    async def aclose(self) -> None:
        """Close the connections."""


class ProofMemory:
    """Used proofs in the memory of this process and, if there is one, in a Redis that several processes share."""

    def __init__(self, most: int, shared: SharedProofs | None = None) -> None:
        """Create the memory. `most` is the largest number of proofs in the memory of this process."""
        self._own = UsedProofs(most)
        self._shared = shared

    async def use(self, digest: bytes, request: Hashable, *, now: float, seconds: float) -> bool:
        """Remember for `seconds` that `request` uses a proof. Return whether no other request has used the proof.

        A `request` that is a string is the same request at every process. Any other value is a request of this process.

        Raises:
            TooManyProofs: As `UsedProofs.use`.
            ProofsUnavailable: Redis does not respond in time.
        """
        is_new = self._own.use(digest, request, now=now, seconds=seconds)
        if is_new and self._shared is not None:
            return await self._shared.use(digest, request, seconds)
        return is_new

    def inherit(self, previous: ProofMemory) -> None:
        """Take over the proofs in the memory of `previous`, so that a reload does not allow a second use."""
        self._own.inherit(previous._own)

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        if self._shared is not None:
            await self._shared.aclose()
