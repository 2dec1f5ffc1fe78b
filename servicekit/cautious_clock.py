"""A clock for deleting expired data. If the wall clock suddenly jumps ahead, this clock follows it only after a day.

A wall clock may be wrong for a while: a virtual machine wakes up, a time server is broken, somebody sets a wrong date.
A wrong clock must not cause data to be deleted, because deleted data is lost. So all code that deletes expired data
uses this clock. While the wall clock is ahead, this clock advances with the monotonic clock. It follows the wall clock:

- immediately, if the wall clock is behind this clock. Expired data is then deleted later, which does no harm.
- after `BELIEVED_AFTER`, if the wall clock is still ahead of this clock.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

# If the wall clock stays ahead for this time, it is taken as correct. An operator would have corrected a wrong clock
# within this time.
BELIEVED_AFTER: Final = timedelta(days=1)
# Jumps up to this size are accepted. The normal corrections by a time server are smaller.
_TOLERANCE: Final = timedelta(minutes=1)

_log = structlog.stdlib.get_logger("clock")


class CautiousClock:
    """A clock: calling it returns the time. It notices a jump of the wall clock only when it is called."""

    def __init__(self, wall: Callable[[], datetime], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        # `_limit` is the latest time that can be correct. It advances with the monotonic clock. If the wall clock shows
        # a time after `_limit + _TOLERANCE`, the wall clock is ahead.
        self._limit, self._read_at = wall(), monotonic()
        self._ahead_since: float | None = None

    def __call__(self) -> datetime:
        """Return the time of the wall clock, or an earlier time while the wall clock is suddenly ahead."""
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
