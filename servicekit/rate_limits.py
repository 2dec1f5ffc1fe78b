"""Limits of how often something may happen: the interface of a store of limits, and the store in memory.

The limits use the generic cell rate algorithm (GCRA). Each key, for example an account, has a *debt* in seconds. An
event adds `limit.interval` seconds to the debt. The debt falls by a second each second. Only the time at which the debt
reaches zero is stored:

```
debt  0 ├────┼────┼────┼────┤ count * interval           one event more would exceed the count: refused
        └ an event adds one interval; the debt falls by a second each second
```

So `count` events may come at the same moment, and after that one event in each `interval`. A limit that counts in fixed
windows would allow twice `count` events around the end of a window. GCRA does not, and stores no list of events.

A limit with `doubling` allows more than `count` events, but with longer and longer waits. After the event that reaches
`count`, the next event must wait 1 s. Each further wait is twice as long (2 s, 4 s, 8 s), up to `doubling` seconds. The
debt falls during the waits, so in the long run the events come as often as the limit says.

`servicekit.redis_rate_limits` has a store that several processes share.

Keys are stored as keyed digests. All digests have the same length, and no e-mail address stays in memory after its
request. A monotonic clock is used, so a change of the system time does not affect the limits.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from servicekit.errors import RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The largest number of keys in a store. A store with so many keys takes about 20 MB.
MAX_KEYS: Final = 100_000
# When the store is full, this share of the keys is dropped. To choose the keys, the store must compare all of them.
# This takes time, so it is done rarely, and many keys are dropped each time.
_DROPPED_SHARE: Final = 0.1
# For this number of seconds after a wait has ended, `wait_turn` remembers that the key has waited: the next call in
# this time returns 0. A later call starts a new wait.
TURN_KEPT_SECONDS: Final = 900.0
_ROUNDING_SECONDS: Final = 1e-6


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `count` events within `seconds`, for each key.

    Attributes:
        name: a token (RFC 8941) for the header `RateLimit-Policy`; also part of every key.
        doubling: the longest wait in seconds. After `count` events, each wait is twice as long as the wait before it.
            If `doubling` is None, further events are refused until the debt has fallen.
    """

    name: str
    count: int
    seconds: float
    doubling: float | None = None

    @property
    def interval(self) -> float:
        """The debt in seconds that one event adds. After this time, the debt has fallen to zero again."""
        return self.seconds / self.count

    @property
    def policy(self) -> str:
        """The limit as in the header `RateLimit-Policy`: its name, its quota and its window in seconds."""
        return f'"{self.name}";q={self.count};w={round(self.seconds)}'

    def refusal(self, wait: float) -> RateLimited:
        """Return the error for an event that must wait `wait` seconds."""
        return RateLimited(retry_after=max(1, math.ceil(wait)), policy=self.policy)


class Taken(NamedTuple):
    """The decision of a limit about one event.

    Attributes:
        wait: 0 if the event was counted and may happen; otherwise the number of seconds after which it may happen.
        level: the debt, as a number of events. It includes this event if the event was counted.
    """

    wait: float
    level: float

    @property
    def is_allowed(self) -> bool:
        return self.wait <= 0


class RateLimitStore(Protocol):
    """Counts events by limit and key; each method is atomic.

    `tests/servicekit/rate_limit_contract.py` tests every implementation.
    """

    async def take(self, limit: RateLimit, key: str) -> Taken:
        """Count one event if the limit allows it."""

    async def give_back(self, limit: RateLimit, key: str) -> None:
        """Undo one `take`: remove the event from the count, and end the wait that the event caused.

        Use this if the event did not happen, or if this limit does not apply to it.
        """

    async def level(self, limit: RateLimit, key: str) -> float:
        """Return how many events the limit counts now."""

    async def add(self, limit: RateLimit, key: str) -> float:
        """Count one event even if the limit is exceeded, and return how many events the limit counts now."""

    async def wait_turn(self, name: str, key: str, seconds: float) -> float:
        """Make `key` wait for `seconds` before it may continue. Return how many seconds of the wait are left.

        The first call starts the wait, and further calls do not make it longer. The first call after the wait returns 0
        and removes the wait. The call after that starts a new wait.
        """

    def details(self) -> Mapping[str, object]:
        """Return what `/health/ready` shows about the store; nothing if it needs no server."""


class Mode(StrEnum):
    """What happens to the events of a limit while the store that several processes share does not respond."""

    LOCAL = "local"
    """Each process counts by itself, in memory."""
    OPEN = "open"
    """The events are allowed."""
    CLOSED = "closed"
    """The events are refused with `Unavailable`."""


class _State(NamedTuple):
    """The state of a key. Both attributes are times on the store's clock.

    Attributes:
        paid_at: the time at which the debt reaches zero if no further event is counted.
        ready_at: no event is allowed before this time.
    """

    paid_at: float
    ready_at: float


_NOTHING: Final = _State(float("-inf"), float("-inf"))


class MemoryRateLimitStore:
    """The store of one process. It has at most `max_keys` keys.

    When the store is full, the keys with the least debt are dropped first. So a flood of new keys does not remove a key
    that has used up its limit.
    """

    def __init__(self, *, max_keys: int = MAX_KEYS, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_keys = max_keys
        self._clock = clock
        self._secret = secrets.token_bytes(16)
        self._states: dict[bytes, _State] = {}

    def __len__(self) -> int:
        """The number of keys in memory."""
        return len(self._states)

    async def take(self, limit: RateLimit, key: str) -> Taken:
        now, place = self._clock(), self._place(limit.name, key)
        state = self._states.get(place, _NOTHING)
        debt = max(0.0, state.paid_at - now)
        wait = _wait(limit, state, debt, now)
        if wait > 0:
            return Taken(wait, debt / limit.interval)
        return Taken(0.0, self._count(limit, place, debt, now))

    async def add(self, limit: RateLimit, key: str) -> float:
        now, place = self._clock(), self._place(limit.name, key)
        return self._count(limit, place, max(0.0, self._states.get(place, _NOTHING).paid_at - now), now)

    async def give_back(self, limit: RateLimit, key: str) -> None:
        now, place = self._clock(), self._place(limit.name, key)
        state = self._states.get(place)
        if state is not None:
            self._keep(place, _State(state.paid_at - limit.interval, float("-inf")), now)

    async def level(self, limit: RateLimit, key: str) -> float:
        state = self._states.get(self._place(limit.name, key), _NOTHING)
        return max(0.0, state.paid_at - self._clock()) / limit.interval

    async def wait_turn(self, name: str, key: str, seconds: float) -> float:
        now, place = self._clock(), self._place(name, key)
        state = self._states.get(place)
        if state is None or state.paid_at < now:
            self._keep(place, _State(now + seconds + TURN_KEPT_SECONDS, now + seconds), now)
            return seconds
        if now < state.ready_at:
            return state.ready_at - now
        del self._states[place]
        return 0.0

    def details(self) -> Mapping[str, object]:
        return {}

    def _count(self, limit: RateLimit, place: bytes, debt: float, now: float) -> float:
        """Add one event to the debt, and return how many events the limit counts now."""
        debt += limit.interval
        level = debt / limit.interval
        over = level - limit.count
        # Between two events, the debt falls a little. So after the event that reaches `limit.count`, the level is
        # slightly below `limit.count`. Therefore the level is rounded to a whole number.
        ready_at = float("-inf")
        if limit.doubling is not None and over > -0.5:  # noqa: PLR2004 - see above
            ready_at = now + min(2.0 ** min(max(0, round(over)), 60), limit.doubling)
        self._keep(place, _State(now + debt, ready_at), now)
        return level

    def _keep(self, place: bytes, state: _State, now: float) -> None:
        if max(state) <= now:
            self._states.pop(place, None)
            return
        if place not in self._states and len(self._states) >= self._max_keys:
            self._make_room(now)
        self._states[place] = state

    def _make_room(self, now: float) -> None:
        """Drop all keys without debt.

        If the keys without debt are fewer than `_DROPPED_SHARE` of all keys, also drop the keys with the least debt.
        """
        ends = sorted(max(state) for state in self._states.values())
        last_dropped = max(now, ends[math.ceil(len(ends) * _DROPPED_SHARE) - 1])
        self._states = {place: state for place, state in self._states.items() if max(state) > last_dropped}

    def _place(self, name: str, key: str) -> bytes:
        text = f"{name}\0{key}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=16, key=self._secret).digest()


def _wait(limit: RateLimit, state: _State, debt: float, now: float) -> float:
    """Return how many seconds from now the next event is allowed; 0 if it is allowed now."""
    if limit.doubling is not None:
        return max(0.0, state.ready_at - now)
    wait = debt + limit.interval - limit.seconds
    # Sums of floating-point numbers are not exact, so a very short wait counts as no wait.
    return wait if wait > _ROUNDING_SECONDS else 0.0
