"""`UsedProofs`: remembers the proofs that were used, so that nobody can use a proof a second time (RFC 9449 §11.1)."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

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
        # Each digest with the time at which it is forgotten, and the HTTP request that used the proof. The times are in
        # ascending order, because all proofs are remembered for the same time.
        self._used: OrderedDict[bytes, tuple[float, Hashable]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._used)

    def use(self, digest: bytes, request: Hashable, *, now: float, seconds: float) -> bool:
        """Remember for `seconds` that `request` uses a proof. Return whether no other request has used the proof.

        Args:
            digest: The digest of the proof (`servicekit.dpop_proofs.Proof.digest`).
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
