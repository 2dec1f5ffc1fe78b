"""Compute the cost of a plan by Apollo's formula (planning §6.4). `router plan --format cost` prints this cost.

A fetch at stage 0 costs 1000, plus 1 for each of its fields. At stage n, a fetch costs 100 · n times as much, because n
other fetches run before it, one after the other. Examples:

    two fetches of five fields in parallel          1005 + 1005       =   2,010
    the same fetches, the second after the first    1005 + 1005 · 100 = 101,505
"""

from __future__ import annotations

import msgspec

FETCH_COST = 1000
STAGE_FACTOR = 100


def fetch_cost(stage: int, fields: int = 0) -> int:
    """Return the cost of a fetch at stage `stage` with `fields` fields."""
    return (FETCH_COST + fields) * max(1, STAGE_FACTOR * stage)


class PlanCost(msgspec.Struct, frozen=True):
    """The cost of a whole plan, and its number of fetches.

    `depth` is the largest number of fetches that run one after the other.
    """

    cost: int
    fetches: int
    depth: int

    def improves_on(self, other: PlanCost) -> bool:
        """Return whether this plan costs less than the other plan, and has neither more fetches nor more depth."""
        return self.cost < other.cost and self.fetches <= other.fetches and self.depth <= other.depth
