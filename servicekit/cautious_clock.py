"""A clock for deleting expired data. If the wall clock suddenly jumps ahead, this clock does not follow it at once.

A wall clock may be wrong for a while: a virtual machine wakes up, a time server is broken, somebody sets a wrong date.
A wrong clock must not cause data to be deleted, because deleted data is lost. So all code that deletes expired data
uses this clock. While the wall clock is ahead, this clock advances with the monotonic clock. It follows the wall clock:

- at once when the wall clock is behind, because deleting late harms nobody;
- after `BELIEVED_AFTER` when the wall clock stays ahead.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

# If the wall clock stays ahead for this long, it counts as right. By then, an operator would have corrected a wrong
# clock.
BELIEVED_AFTER: Final = timedelta(days=1)
# Jumps up to this size are normal. The corrections of a time server are smaller.
_TOLERANCE: Final = timedelta(minutes=1)

_log = structlog.stdlib.get_logger("clock")


class CautiousClock:
    """A clock: calling it returns the time. It can notice a jump only when it is called."""

    def __init__(self, wall: Callable[[], datetime], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        # If the wall clock shows a later time than this plus `_TOLERANCE`, it is ahead. This time advances with the
        # monotonic clock.
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
