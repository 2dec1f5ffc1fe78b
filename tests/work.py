"""How much work a piece of code does, in calls of functions: the same number on every machine, under any load.

Tests of bounds use this instead of a clock, because a machine that runs other tests may be many times slower.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from router.preparation.preparing_thread import PreparingThread


class TooMuchWork(AssertionError):
    """More functions were called than the test allows."""


class Work:
    """Counts the calls of functions in Python and in C; a search by a regular expression is one call.

    Attributes:
        calls: the number of calls in the thread of the test.
        calls_elsewhere: the number of calls in the preparing thread, after `count_in`.
    """

    def __init__(self, most: float) -> None:
        self.calls = 0
        self.calls_elsewhere = 0
        self._most = most
        self._ended = False

    def count_in(self, thread: PreparingThread) -> None:
        """Count the calls of this thread too, until the counting ends."""
        thread.submit(lambda: sys.setprofile(self._count_elsewhere)).result()

    def count(self, _frame: FrameType, event: str, _argument: object) -> None:
        if event in {"call", "c_call"}:
            self.calls += 1
            if self.calls > self._most:
                sys.setprofile(None)
                self.check()

    def check(self) -> None:
        """Raise TooMuchWork if the limit was exceeded; the code may have caught the error that was raised there."""
        if self.calls + self.calls_elsewhere > self._most:
            raise TooMuchWork(f"more than {self._most:,} calls")

    def end(self) -> None:
        sys.setprofile(None)
        self._ended = True

    def _count_elsewhere(self, _frame: FrameType, event: str, _argument: object) -> None:
        if self._ended:
            sys.setprofile(None)
        elif event in {"call", "c_call"}:
            self.calls_elsewhere += 1


@contextmanager
def counted(most: float = float("inf")) -> Iterator[Work]:
    """Count the calls in this thread.

    Raises:
        TooMuchWork: the code inside makes more than `most` calls. In this thread it is raised at that call, so that
            code that would run for hours ends.
    """
    work = Work(most)
    sys.setprofile(work.count)
    try:
        yield work
    finally:
        work.end()
    work.check()
