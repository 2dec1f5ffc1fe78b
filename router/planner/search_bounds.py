"""How far the search for a better plan may go (planning §6.5).

The planner finds a first plan by choosing the cheapest option for each leaf by itself, then tries other combinations.
Trials are counted in units of work, about 10 µs each, so that the plan does not depend on the machine. The deadline is
for a machine that is too busy.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Final

OUT_OF_WORK: Final = "The operation has many equivalent plans: this is the best of those tried, not of all."
OUT_OF_TIME: Final = "Planning took its time: this is the best of the plans tried until then, not of all."
# The work to decide between plans with equal fetches comes on top: a fifth of that for the fewest fetches.
_TIE_WORK_SHARE: Final = 5


@dataclass(frozen=True, slots=True)
class Bounds:
    """`work` is in units of about 10 µs; `seconds` count from the beginning of planning, None is for any time."""

    work: int = 10_000
    seconds: float | None = None


class Effort:
    """What is left of the bounds while an operation is planned."""

    def __init__(self, bounds: Bounds) -> None:
        self._work_left = bounds.work
        self._tie_work_left = bounds.work // _TIE_WORK_SHARE
        self._ends = None if bounds.seconds is None else monotonic() + bounds.seconds
        self.hints: dict[str, None] = {}

    def affords(self, work: int) -> bool:
        """Whether so much may still be done; if not, the plan will say why the search ended."""
        if self._ends is not None and monotonic() >= self._ends:
            self.hints[OUT_OF_TIME] = None
            return False
        if work > self._work_left:
            self.hints[OUT_OF_WORK] = None
            return False
        self._work_left -= work
        return True

    def affords_tie(self, work: int) -> bool:
        """Whether so much may still be done to decide between plans with equal fetches.

        This work comes on top of the other. Its end is not reported: no plan gets more fetches by it.
        """
        if work > self._tie_work_left or (self._ends is not None and monotonic() >= self._ends):
            return False
        self._tie_work_left -= work
        return True
