"""What a plan costs: Apollo's measure (planning §6.4), the one that `router plan --format cost` prints.

A fetch costs 1000 and one more for each of its fields. A fetch that waits for n others in a row costs 100 n times as
much:

    two fetches of five fields at once              1005 + 1005       =   2,010
    the same fetches, the second after the first    1005 + 1005 · 100 = 101,505
"""

from __future__ import annotations

from typing import NamedTuple

FETCH_COST = 1000
STAGE_FACTOR = 100


def fetch_cost(stage: int, fields: int = 0) -> int:
    """The cost of a fetch of some fields that waits for `stage` others in a row."""
    return (FETCH_COST + fields) * max(1, STAGE_FACTOR * stage)


class PlanCost(NamedTuple):
    """The cost of a whole plan, its number of fetches, and how many of them run in a row."""

    cost: int
    fetches: int
    depth: int

    def improves_on(self, other: PlanCost) -> bool:
        """Whether the plan costs less than the other one, with no more fetches and none more in a row."""
        return self.cost < other.cost and self.fetches <= other.fetches and self.depth <= other.depth
