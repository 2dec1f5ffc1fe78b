"""The cost of a plan, by Apollo's formula (planning §6.4). `router plan --format cost` prints it.

A fetch costs 1000, and 1 for each of its fields. At stage n (after n fetches one after the other) it costs 100 n times
as much:

    two fetches of five fields in parallel          1005 + 1005       =   2,010
    the same fetches, the second after the first    1005 + 1005 · 100 = 101,505
"""

from __future__ import annotations

from typing import NamedTuple

FETCH_COST = 1000
STAGE_FACTOR = 100


def fetch_cost(stage: int, fields: int = 0) -> int:
    """Return the cost of a fetch at a stage with this number of fields."""
    return (FETCH_COST + fields) * max(1, STAGE_FACTOR * stage)


class PlanCost(NamedTuple):
    """The cost of a whole plan, its number of fetches, and how many of them run one after the other (`depth`)."""

    cost: int
    fetches: int
    depth: int

    def improves_on(self, other: PlanCost) -> bool:
        """Whether the plan costs less than the other plan, without more fetches or more depth."""
        return self.cost < other.cost and self.fetches <= other.fetches and self.depth <= other.depth
