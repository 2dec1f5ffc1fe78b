"""`Limiter`: counts the use of clients by the generic cell rate algorithm (GCRA).

A rule counts in *units*: a unit is a request, or a cost of 1. Each client has a *debt* for each rule, in seconds. Each
unit adds `Quota.interval` seconds to the debt. The debt falls by a second each second. A use is allowed if it does not
raise the debt above `Quota.max_debt`. So a client may use `burst` units at once, and then one unit in each interval.

The algorithm has no fixed windows. With windows, a client could use its whole quota at the end of one window, and again
at the start of the next window.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Quota(msgspec.Struct, frozen=True, dict=True):
    """The number of units that a rule allows each client.

    Attributes:
        name: The name of the rule.
        limit: The number of units that become available again in each `period`.
        period: A time in seconds.
        burst: The number of units that a client may use at once.
    """

    name: str
    limit: int
    period: float
    burst: int

    @cached_property
    def interval(self) -> float:
        """The seconds that each unit adds to the debt. A unit becomes available again after this time."""
        return self.period / self.limit

    @cached_property
    def max_debt(self) -> float:
        """The largest debt that the rule allows, in seconds."""
        return self.interval * self.burst

    @cached_property
    def policy(self) -> str:
        """The text of the rule in the header `RateLimit-Policy`: name, `limit`, and `period` in seconds."""
        return f'"{self.name}";q={self.limit};w={max(1, round(self.period))}'


class Use(msgspec.Struct, frozen=True):
    """A client uses `weight` units of `quota`. `key` identifies the client and the rule."""

    key: str
    quota: Quota
    weight: int = 1

    @property
    def seconds(self) -> float:
        """The seconds that the use adds to the debt. At most `burst` units are counted."""
        return min(self.weight, self.quota.burst) * self.quota.interval


class Decision(NamedTuple):
    """The decision of a rule about a use.

    Attributes:
        quota: The quota of the rule.
        wait: 0 if the rule allows the use. Otherwise the seconds until the rule would allow the use.
        debt: The client's debt in seconds after the decision. It includes the use only if the use was counted.
    """

    quota: Quota
    wait: float
    debt: float

    @property
    def rate_limit(self) -> str:
        """The text in the header `RateLimit`: the units that are left, and the seconds until the debt is 0."""
        left = max(0, math.floor((self.quota.max_debt - self.debt) / self.quota.interval + 1e-6))
        return f'"{self.quota.name}";r={left};t={math.ceil(self.debt)}'


class LimiterUnavailable(Exception):
    """The limiter cannot decide now. The message says why; only the log shows it."""


class Limiter(Protocol):
    """Counts uses. Many tasks can use one limiter at the same time."""

    async def take(self, uses: Sequence[Use]) -> list[Decision]:
        """If every rule allows its use, count all `uses`. Otherwise count none. Return the decisions in the same order.

        Raises:
            LimiterUnavailable: The limiter cannot decide now.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


def decide(uses: Sequence[Use], debts: Sequence[float]) -> tuple[bool, list[Decision]]:
    """Return whether all rules allow their uses, and the decision for each use.

    `debts` has, for each use, the client's debt before the use, in seconds.
    """
    allowed, decisions = True, []
    for use, debt in zip(uses, debts, strict=True):
        quota = use.quota
        after = debt + use.seconds
        wait = after - quota.max_debt
        # Sums of floating-point numbers are not exact, so a wait of at most a microsecond is ignored.
        if wait > 1e-6:  # noqa: PLR2004
            allowed = False
            decisions.append(Decision(quota, wait, debt))
        else:
            decisions.append(Decision(quota, 0.0, after))
    if not allowed:
        decisions = [Decision(quota, wait, debt) for (quota, wait, _), debt in zip(decisions, debts, strict=True)]
    return allowed, decisions
