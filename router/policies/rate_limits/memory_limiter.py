"""A limiter in the memory of this process."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from router.policies.rate_limits.limiter import decide

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router.policies.rate_limits.limiter import Decision, Use

_DROPPED_SHARE: Final = 0.1


class MemoryLimiter:
    """A `Limiter` that remembers at most `max_keys` keys. A key is a client and a rule.

    If there is no room for a new key, the limiter forgets a tenth of the keys: those with the smallest debts (see
    `limiter`). A client that has used up its limit has a large debt. So a flood of new keys does not reset its limit.
    """

    def __init__(self, max_keys: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_keys = max_keys
        self._clock = clock
        self._paid_at: dict[str, float] = {}  # for each key, the time at which its debt will be 0

    def __len__(self) -> int:
        """The number of remembered keys."""
        return len(self._paid_at)

    async def take(self, uses: Sequence[Use]) -> list[Decision]:
        """See `Limiter.take`."""
        now = self._clock()
        allowed, decisions = decide(uses, [max(0.0, self._paid_at.get(use.key, now) - now) for use in uses])
        if allowed:
            for use, decision in zip(uses, decisions, strict=True):
                if use.key not in self._paid_at and len(self._paid_at) >= self._max_keys:
                    self._make_room(now)
                self._paid_at[use.key] = now + decision.debt
        return decisions

    async def aclose(self) -> None:
        """Do nothing, because this limiter has no connections."""

    def _make_room(self, now: float) -> None:
        ends = sorted(self._paid_at.values())
        last_dropped = max(now, ends[math.ceil(len(ends) * _DROPPED_SHARE) - 1])
        self._paid_at = {key: end for key, end in self._paid_at.items() if end > last_dropped}
