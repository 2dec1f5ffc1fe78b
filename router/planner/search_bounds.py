"""Bounds of the search for a better plan (planning §6.5).

The planner finds a first plan with the cheapest option for each leaf, then tries other combinations of options. The
first bound counts trials in units of work of about 10 µs, so that the plan does not depend on the machine. A deadline
in real time is the second bound: it ends the search if a busy machine is much slower than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Final

OUT_OF_WORK: Final = "The operation has many equivalent plans: this is the best of the plans tried, not of all plans."
OUT_OF_TIME: Final = "Planning reached its deadline: this is the best of the plans tried until then, not of all plans."
# The choice between plans with equal fetches has work of its own: a fifth of the work of the search.
_TIE_WORK_SHARE: Final = 5


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most `work` in units of about 10 µs, and the most `seconds` from the start of planning (None: no limit)."""

    work: int = 10_000
    seconds: float | None = None


class Effort:
    """Counts the work and time left while an operation is planned, and collects the hints of the plan."""

    def __init__(self, bounds: Bounds) -> None:
        self._work_left = bounds.work
        self._tie_work_left = bounds.work // _TIE_WORK_SHARE
        self._ends = None if bounds.seconds is None else monotonic() + bounds.seconds
        self.hints: dict[str, None] = {}

    def affords(self, work: int) -> bool:
        """Use `work` if that much is left. Returns False if not, and adds a hint why the search ended."""
        if self._ends is not None and monotonic() >= self._ends:
            self.hints[OUT_OF_TIME] = None
            return False
        if work > self._work_left:
            self.hints[OUT_OF_WORK] = None
            return False
        self._work_left -= work
        return True

    def affords_tie(self, work: int) -> bool:
        """Use `work` for the choice between plans with equal fetches, if that much is left. Returns False if not.

        This work is counted apart from the search. No hint reports its end: the plan has no additional fetches.
        """
        if work > self._tie_work_left or (self._ends is not None and monotonic() >= self._ends):
            return False
        self._tie_work_left -= work
        return True
