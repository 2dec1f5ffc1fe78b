"""The time for deleting what has expired: a clock that does not believe in a jump ahead at once.

A wall clock may be wrong for a while: a virtual machine wakes up, a time server is broken, somebody sets a wrong date.
What is refused meanwhile comes back with the right time, but what is deleted is lost. So everything that deletes by
time asks this clock, which goes on by a monotonic clock while the wall clock is ahead of it. It follows the wall clock:

- at once when that is behind, because deleting late harms nobody;
- after `BELIEVED_AFTER` when that stays ahead.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

# Longer than an operator needs to notice a wrong clock.
BELIEVED_AFTER: Final = timedelta(days=1)
# Time servers move a clock by less.
_TOLERANCE: Final = timedelta(minutes=1)

_log = structlog.stdlib.get_logger("clock")


class CautiousClock:
    """Call it for the time; it notices jumps only when it is called."""

    def __init__(self, wall: Callable[[], datetime], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        # The latest time that is believed; it goes on with the monotonic clock.
        self._limit, self._read_at = wall(), monotonic()
        self._ahead_since: float | None = None

    def __call__(self) -> datetime:
        """The time of the wall clock, or an earlier one while that is suddenly ahead."""
        wall, at = self._wall(), self._monotonic()
        self._limit += timedelta(seconds=at - self._read_at)
        self._read_at = at
        if wall > self._limit + _TOLERANCE and not self._is_believed(wall, at):
            return self._limit
        self._ahead_since = None
        self._limit = max(self._limit, wall)
        return wall

    def _is_believed(self, wall: datetime, at: float) -> bool:
        if self._ahead_since is None:
            ahead = round((wall - self._limit).total_seconds())
            _log.warning("the clock jumped ahead; nothing is deleted for that", seconds=ahead)
            self._ahead_since = at
        return at - self._ahead_since >= BELIEVED_AFTER.total_seconds()
