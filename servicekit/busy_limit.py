"""Limits concurrent requests while the processor has more to do than it can.

If more requests arrive than the processor can process, all of them run at the same time and become slow together, until
no client waits for its response any more. More concurrent requests do not help then, because the processor is never
idle. So while it is never idle, fewer requests run, until those that run are fast again. As soon as it has idle time,
more requests run again: then they wait for other servers, and not for the processor.
"""

from __future__ import annotations

from typing import Final

import msgspec

MIN_LIMIT: Final = 16
"""The limit is never below this number. A machine can be busy with other processes while few requests run. Then fewer
requests would not help."""

BUSY_SHARE: Final = 0.95
"""If the event loop was busy for at least this share of the time, the processor counts as never idle."""

LATE_SECONDS: Final = 0.1
"""If the event loop was late by this time, it counts as busy too. It can be late because another thread of the process
runs, which does not show in the share."""

PATIENCE_SECONDS: Final = 0.25
"""The loop must be busy for this time before requests are limited. One callback that takes long, such as a garbage
collection or a huge response, does not limit requests."""

SPARE_SECONDS: Final = 1.0
"""The limit is removed when no request has waited for this time."""

_CUT: Final = 0.9
_GROWTH: Final = 1.05
_SMOOTHING: Final = 0.2
"""The weight of the last observation in the mean rate of requests."""


class Observation(msgspec.Struct, frozen=True):
    """What was observed since the previous observation.

    Attributes:
        at: the time of this observation, in seconds.
        seconds: the time since the previous observation.
        busy: the share of this time in which the event loop was busy.
        late: how many seconds the loop was late.
        ended: the number of requests that have ended.
        running: the largest number of requests that ran at the same time.
    """

    at: float
    seconds: float
    busy: float
    late: float
    ended: int
    running: int


class BusyLimit:
    """The limit on concurrent requests, adjusted by regular observations.

    Attributes:
        limit: the number of requests that may run; None while the processor has idle time.
        rate: how many requests end in a second.
    """

    def __init__(self) -> None:
        self.limit: float | None = None
        self.rate = 0.0
        self._busy_since: float | None = None
        self._needed_at = 0.0

    def observe(self, seen: Observation, duration: float) -> None:
        """Adjust the limit so that requests take at most `duration` seconds on average while the processor is busy."""
        rate = seen.ended / seen.seconds
        self.rate = self.rate + _SMOOTHING * (rate - self.rate) if self.rate else rate
        if seen.busy < BUSY_SHARE and seen.late < LATE_SECONDS:
            self._busy_since = None
            self._relax(seen)
            return
        if self._busy_since is None:
            self._busy_since = seen.at - seen.seconds
        fitting = max(float(MIN_LIMIT), self.rate * duration)  # a mean duration is the running requests by their rate
        if seen.running > fitting and (self.limit or seen.at - self._busy_since >= PATIENCE_SECONDS):
            self.limit = max(fitting, _CUT * min(seen.running, self.limit or seen.running))
            self._needed_at = seen.at
        elif self.limit is not None and self.limit < fitting:
            self.limit = fitting

    def _relax(self, seen: Observation) -> None:
        if self.limit is None:
            return
        if seen.at - self._needed_at >= SPARE_SECONDS:
            self.limit = None
        elif seen.running >= int(self.limit):
            self.limit *= _GROWTH

    def note_waiting(self, at: float) -> None:
        """Keep the limit for at least `SPARE_SECONDS`, because a request waits."""
        self._needed_at = at

    def remove(self) -> None:
        """Remove the limit."""
        self.limit = self._busy_since = None
