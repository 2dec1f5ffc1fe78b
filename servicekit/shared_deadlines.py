"""`SharedDeadlines`: one timer of an event loop for many deadlines, of which few are reached.

A timer for each deadline takes several times as long as an entry in a dict. The timer is set for the earliest deadline.
When it fires, it is set for the earliest of those that are left.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Protocol

from servicekit.moving_deadline import MovingDeadline


class WithDeadline(Protocol):
    """What ends at a deadline."""

    def end(self) -> None:
        """Called once, when the deadline is reached."""


class SharedDeadlines:
    """The deadlines of one event loop. `add` and `remove` must be called in this loop."""

    __slots__ = ("_deadlines", "_earliest", "_timer", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._deadlines: dict[WithDeadline, float] = {}
        self._timer = MovingDeadline(loop, self._end_due)
        self._earliest = inf

    def add(self, owner: WithDeadline, deadline: float) -> None:
        """Call `owner.end()` at `deadline`, a time on the event loop's clock, unless it is removed before."""
        self._deadlines[owner] = deadline
        if deadline < self._earliest:
            self._earliest = deadline
            self._timer.move(deadline)

    def remove(self, owner: WithDeadline) -> None:
        """Do not call `owner.end()`. If it was called already, nothing happens."""
        self._deadlines.pop(owner, None)

    def _end_due(self) -> None:
        self._earliest = inf
        now = self.loop.time()
        for owner in [each for each, deadline in self._deadlines.items() if deadline <= now]:
            del self._deadlines[owner]
            owner.end()
        if self._deadlines:
            self._earliest = min(self._deadlines.values())
            self._timer.move(self._earliest)


class _Latest:
    """The deadlines of the loop that was asked for last. Programs rarely have several loops."""

    shared: SharedDeadlines | None = None


def of_running_loop() -> SharedDeadlines:
    """Return deadlines of the running event loop. Usually, these are the same for all calls in one loop."""
    loop = asyncio.get_running_loop()
    shared = _Latest.shared
    if shared is None or shared.loop is not loop:
        shared = _Latest.shared = SharedDeadlines(loop)
    return shared
