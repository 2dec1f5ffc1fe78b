"""`Limiter`: counts the use of clients by the generic cell rate algorithm (GCRA).

Each client has a *debt* for each rule, in seconds. A use of 1 adds `Quota.interval` seconds, and the debt falls by a
second each second. A use is allowed if the debt afterwards is at most `Quota.most_debt`. So a client may use `burst` at
once, and then 1 in each interval. There are no fixed windows. With windows, a client could use twice as much around the
border between two of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Quota:
    """How much one client may use.

    Attributes:
        name: The name of the rule.
        limit: How much becomes available again in each `period`.
        period: A time in seconds.
        burst: How much may be used at once.
    """

    name: str
    limit: int
    period: float
    burst: int

    @cached_property
    def interval(self) -> float:
        """The debt in seconds that a use of 1 adds. After this time, the debt has fallen to zero again."""
        return self.period / self.limit

    @cached_property
    def most_debt(self) -> float:
        """The largest debt in seconds."""
        return self.interval * self.burst

    @cached_property
    def policy(self) -> str:
        """The rule as in the header `RateLimit-Policy`: its name, its quota, and its window in seconds."""
        return f'"{self.name}";q={self.limit};w={max(1, round(self.period))}'


class Use(NamedTuple):
    """One use by one client: `weight` of `quota`. `key` identifies the client and the rule."""

    key: str
    quota: Quota
    weight: int = 1

    @property
    def seconds(self) -> float:
        """The debt that the use adds. A use that is larger than the burst counts as the burst."""
        return min(self.weight, self.quota.burst) * self.quota.interval


class Decision(NamedTuple):
    """The decision of a rule about a use.

    Attributes:
        quota: The rule.
        wait: 0 if the rule allows the use; otherwise the seconds until the rule would allow it.
        debt: The client's debt in seconds. A use that was counted is included.
    """

    quota: Quota
    wait: float
    debt: float

    @property
    def rate_limit(self) -> str:
        """The state as in the header `RateLimit`: what may still be used, and the seconds until all is available."""
        left = max(0, math.floor((self.quota.most_debt - self.debt) / self.quota.interval + 1e-6))
        return f'"{self.quota.name}";r={left};t={math.ceil(self.debt)}'


class LimiterUnavailable(Exception):
    """The limiter cannot decide now. The message is the reason for the log."""


class Limiter(Protocol):
    """Counts uses. Many tasks can use one limiter at the same time."""

    async def take(self, uses: Sequence[Use]) -> list[Decision]:
        """Count all `uses` if all their rules allow it, otherwise none. Return one decision for each use, in order.

        Raises:
            LimiterUnavailable: The limiter cannot decide now.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


def decide(uses: Sequence[Use], debts: Sequence[float]) -> tuple[bool, list[Decision]]:
    """Return whether all uses are allowed, and the decisions. `debts` are the debts in seconds before the uses."""
    allowed, decisions = True, []
    for (_, quota, weight), debt in zip(uses, debts, strict=True):
        after = debt + min(weight, quota.burst) * quota.interval
        wait = after - quota.most_debt
        # Sums of floating-point intervals are not exact: a microsecond is not worth a refusal.
        if wait > 1e-6:  # noqa: PLR2004
            allowed = False
            decisions.append(Decision(quota, wait, debt))
        else:
            decisions.append(Decision(quota, 0.0, after))
    if not allowed:
        decisions = [Decision(quota, wait, debt) for (quota, wait, _), debt in zip(decisions, debts, strict=True)]
    return allowed, decisions
