"""Rules about unusual amounts: large, far above the mean, large for the first time, or just under a limit."""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003 - pydantic reads annotations at run time
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from subgraphs.transaction.fraud.rules.amounts import Amounts  # noqa: TC001 - pydantic reads annotations at run time
from subgraphs.transaction.fraud.rules.rule import Phase, Rule, amount_text, time_of, user_scope
from subgraphs.transaction.fraud.windows.series import Question, Read, Write, tally

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from subgraphs.transaction.fraud.order_facts import OrderFacts
    from subgraphs.transaction.fraud.windows.series import Reading, Series


class LargeAmount(Rule):
    """An amount that is at least as large as `at_least`."""

    kind: Literal["large_amount"]
    at_least: Amounts
    """The smallest amount that hits the rule."""

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        del readings
        least = self.at_least.units(order.currency)
        if least is None or order.units < least:
            return None
        return {"amount": amount_text(order.units, order.currency), "at_least": amount_text(least, order.currency)}


class AmountOverMean(Rule):
    """An amount of more than `factor` times the mean of the user's completed orders in the same currency."""

    kind: Literal["amount_over_mean"]
    factor: Annotated[Decimal, Field(gt=1, le=1000)]
    """The rule is hit if the amount is more than the mean multiplied by this factor."""
    window: Literal["7d", "30d", "90d"] = "30d"
    """The window over which the mean is computed. It ends with the order."""
    min_orders: Annotated[int, Field(ge=1)] = 5
    """The least number of completed orders in the window. With fewer orders, the rule is not hit."""

    @property
    def phases(self) -> Collection[Phase]:
        return (Phase.SETTLED,)

    def writes(self, order: OrderFacts, phase: Phase) -> Iterable[Write]:
        if phase is Phase.SETTLED and self.counts(order):
            yield Write(self._series(order), time_of(order, phase), order.units)

    def reads(self, order: OrderFacts) -> Sequence[Read]:
        return (Read(self._series(order), Question.TALLY),)

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        count, units = readings[0].count, readings[0].units
        if count < self.min_orders or order.units * count <= units * self.factor:
            return None
        return {
            "amount": amount_text(order.units, order.currency),
            "mean": amount_text(units // count, order.currency),
            "orders": count,
            "factor": f"{self.factor:f}",
            "window": self.window,
        }

    def _series(self, order: OrderFacts) -> Series:
        return tally(user_scope(order), f"completed {order.currency} {self.filter_name}", self.window)


class FirstLargePayment(Rule):
    """A large amount from a user who has completed no large order in the same currency in the last 365 days."""

    kind: Literal["first_large_payment"]
    at_least: Amounts
    """The smallest amount that counts as large."""

    @property
    def phases(self) -> Collection[Phase]:
        return (Phase.SETTLED,)

    def writes(self, order: OrderFacts, phase: Phase) -> Iterable[Write]:
        if phase is Phase.SETTLED and self.counts(order) and self._is_large(order):
            yield Write(self._series(order), time_of(order, phase), order.units)

    def reads(self, order: OrderFacts) -> Sequence[Read]:
        return (Read(self._series(order), Question.TALLY),) if self._is_large(order) else ()

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        least = self.at_least.units(order.currency)
        if least is None or not readings or readings[0].count > 0:
            return None
        return {"amount": amount_text(order.units, order.currency), "at_least": amount_text(least, order.currency)}

    def _is_large(self, order: OrderFacts) -> bool:
        least = self.at_least.units(order.currency)
        return least is not None and order.units >= least

    def _series(self, order: OrderFacts) -> Series:
        name = f"large {order.currency} {self.at_least.units(order.currency)} {self.filter_name}"
        return tally(user_scope(order), name, "365d")


class Structuring(Rule):
    """Several amounts just under a limit within a window. They may be parts of one amount above the limit."""

    kind: Literal["structuring"]
    limit: Amounts
    """The limit that the amounts stay under."""
    margin_percent: Annotated[int, Field(ge=1, le=50)] = 10
    """How far below the limit an amount still counts as just under it, in percent of the limit."""
    window: Literal["1h", "24h", "7d", "30d"] = "7d"
    """The window, which ends with the order."""
    at_least: Annotated[int, Field(ge=2)] = 3
    """The least number of such orders for a hit. The order itself counts."""

    @property
    def phases(self) -> Collection[Phase]:
        return (Phase.ORDERED,)

    def writes(self, order: OrderFacts, phase: Phase) -> Iterable[Write]:
        if phase is Phase.ORDERED and self.counts(order) and self._is_just_under(order):
            yield Write(self._series(order), order.at, order.units)

    def reads(self, order: OrderFacts) -> Sequence[Read]:
        return (Read(self._series(order), Question.TALLY),) if self._is_just_under(order) else ()

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        limit = self.limit.units(order.currency)
        if limit is None or not readings or readings[0].count < self.at_least:
            return None
        return {
            "count": readings[0].count,
            "at_least": self.at_least,
            "sum": amount_text(readings[0].units, order.currency),
            "limit": amount_text(limit, order.currency),
            "window": self.window,
        }

    def _is_just_under(self, order: OrderFacts) -> bool:
        limit = self.limit.units(order.currency)
        return limit is not None and limit * (100 - self.margin_percent) <= order.units * 100 < limit * 100

    def _series(self, order: OrderFacts) -> Series:
        limit = self.limit.units(order.currency)
        name = f"just under {limit} by {self.margin_percent} {order.currency} {self.filter_name}"
        return tally(user_scope(order), name, self.window)
