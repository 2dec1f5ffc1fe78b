"""Decides which log lines of requests are written, if `logging.requests.one_in` is larger than 1.

    errors, refused, slow, or beyond a limit in measure mode ──> written
    all others ── one of `one_in`, by chance ──────────────────> written, with `sampled_one_in`
               └─ the rest ────────────────────────────────────> counted

Chance decides, not a counter: with a counter, the requests of a client that repeats a sequence of operations would
always be written for the same operations. The ids of the request do not decide either, because clients choose them.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.settings.sections.logging import RequestLines


class LogSampling:
    """The sampling of one gateway.

    Attributes:
        one_in: How many usual requests one written line stands for.
        slow: A request that took at least this number of seconds is not usual.
        skipped: The number of lines that were not written.
    """

    __slots__ = ("_chance", "one_in", "skipped", "slow")

    def __init__(self, settings: RequestLines, chance: Callable[[], float] = random.random) -> None:
        self.one_in = settings.one_in
        self.slow = settings.slow
        self.skipped = 0
        self._chance = chance

    def takes_next(self) -> bool:
        """Return whether the line of a usual request is written. Otherwise count it."""
        if self._chance() * self.one_in < 1:
            return True
        self.skipped += 1
        return False

    def inherit(self, previous: LogSampling) -> None:
        """Take over the count of the gateway before a reload."""
        self.skipped = previous.skipped
