"""Bounds of the search for a better plan (planning §6.5).

The planner makes a first plan with the cheapest option for each leaf field. Then the planner searches: it tries other
combinations of options. Two bounds end the search:

- A budget of work, in units of about 10 µs. Work is counted, not measured, so the plan does not depend on the machine.
- A deadline in real time, for a busy machine that needs much longer than 10 µs for a unit of work.
"""

from __future__ import annotations

from time import monotonic
from typing import Final

import msgspec

OUT_OF_WORK: Final = "The operation has many equivalent plans: this is the best of the plans tried, not of all plans."
OUT_OF_TIME: Final = "Planning reached its deadline: this is the best of the plans tried until then, not of all plans."
# The search also compares plans whose fetches cost the same. This comparison has its own budget: a fifth of
# `Bounds.work`.
_TIE_WORK_SHARE: Final = 5


class Bounds(msgspec.Struct, frozen=True):
    """The bounds of a search.

    Attributes:
        work: the maximum work, in units of about 10 µs.
        seconds: the maximum time from the start of planning, None for no limit.
    """

    work: int = 10_000
    seconds: float | None = None


class Effort:
    """Keeps the remaining work and the deadline while an operation is planned, and collects the hints of the plan."""

    def __init__(self, bounds: Bounds) -> None:
        self._work_left = bounds.work
        self._tie_work_left = bounds.work // _TIE_WORK_SHARE
        self._ends = None if bounds.seconds is None else monotonic() + bounds.seconds
        self.hints: dict[str, None] = {}

    def affords(self, work: int) -> bool:
        """Take `work` units from the remaining work and return True.

        If fewer units remain, or the deadline has passed, add a hint with the reason and return False.
        """
        if self._ends is not None and monotonic() >= self._ends:
            self.hints[OUT_OF_TIME] = None
            return False
        if work > self._work_left:
            self.hints[OUT_OF_WORK] = None
            return False
        self._work_left -= work
        return True

    def affords_tie(self, work: int) -> bool:
        """Take `work` units for comparing plans whose fetches cost the same, and return True.

        These comparisons have their own budget of work. If fewer units remain, or the deadline has passed, return
        False. The plan gets no hint in this case, because its fetches are already the cheapest that the search found.
        """
        if work > self._tie_work_left or (self._ends is not None and monotonic() >= self._ends):
            return False
        self._tie_work_left -= work
        return True
