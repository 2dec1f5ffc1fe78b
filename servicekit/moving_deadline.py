"""`MovingDeadline`: calls a function at a time that changes often, and that is seldom reached.

A new timer of the event loop for each change would take more time than all other work at such a moment. So a timer
stays when the deadline moves to a later time or is removed. When the timer fires too early, it is set again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class MovingDeadline:
    """Calls `on_expiry` once at the deadline. Afterwards, and at first, there is no deadline."""

    __slots__ = ("_at", "_loop", "_on_expiry", "_timer", "_timer_at")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_expiry: Callable[[], None]) -> None:
        self._loop = loop
        self._on_expiry: Callable[[], None] | None = on_expiry
        self._at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def move(self, at: float) -> None:
        """Set the deadline to a time on the event loop's clock."""
        self._at = at
        if self._timer is None:
            self._start_timer(at)
        elif at < self._timer_at:
            self._timer.cancel()
            self._start_timer(at)

    def remove(self) -> None:
        """Have no deadline until `move` is called again."""
        self._at = None

    def close(self) -> None:
        """Remove the deadline for good. Afterwards, this object refers to no other object."""
        self._at = self._on_expiry = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start_timer(self, at: float) -> None:
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._fire)

    def _fire(self) -> None:
        self._timer = None
        at = self._at
        if at is None or self._on_expiry is None:
            return
        if self._loop.time() < at:
            self._start_timer(at)
        else:
            self._at = None
            self._on_expiry()
