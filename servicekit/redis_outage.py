"""Remembers the failures of a Redis: when commands may be sent again, and what is to be logged."""

from __future__ import annotations

import asyncio


class RedisOutage:
    """The failures of one client of Redis.

    After a failure, no command is sent for a while, so that few requests wait for a Redis that does not respond. The
    caller logs the first failure and the end of a failure. All methods must be called in an event loop.

    Attributes:
        failures: how often Redis has failed since the start.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._in_a_row = 0
        self._paused_until = 0.0

    def is_paused(self) -> bool:
        """Return whether Redis has just failed, so that no command should be sent."""
        return asyncio.get_running_loop().time() < self._paused_until

    def is_failing(self) -> bool:
        """Return whether the last command has failed."""
        return self._in_a_row > 0

    def failed(self, pause_seconds: float) -> bool:
        """Note a failure, and pause. Return whether it is the first one since the last success."""
        self._paused_until = asyncio.get_running_loop().time() + pause_seconds
        self.failures += 1
        self._in_a_row += 1
        return self._in_a_row == 1

    def succeeded(self) -> int:
        """Note a success. Return how many failures in a row it has ended."""
        ended, self._in_a_row = self._in_a_row, 0
        return ended
