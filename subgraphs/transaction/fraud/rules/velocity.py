"""Velocity: too many orders, or too much money, within a window."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from subgraphs.transaction.fraud.rules.amounts import Amounts  # noqa: TC001 - pydantic reads annotations at run time
from subgraphs.transaction.fraud.rules.rule import Phase, Rule, account_scope, amount_text, time_of, user_scope
from subgraphs.transaction.fraud.windows.series import SPANS, Question, Read, Series, Write

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from subgraphs.transaction.fraud.order_facts import OrderFacts
    from subgraphs.transaction.fraud.windows.series import Reading, Scope

VelocityWindow = Literal["1m", "1h", "24h", "7d"]


class _Velocity(Rule):
    by: Literal["account", "user", "receiver"]
    """Which orders are counted: the orders of the account, of the user, or to the receiver's account."""
    window: VelocityWindow
    """The window, which ends with the order."""
    of: Literal["orders", "completed"] = "orders"
    """`orders` counts all orders, even refused and held ones. `completed` counts completed orders and this order."""

    @property
    def phases(self) -> Collection[Phase]:
        return (self._phase,)

    def writes(self, order: OrderFacts, phase: Phase) -> Iterable[Write]:
        series = self._series(order) if self.counts(order) and phase is self._phase else None
        return () if series is None else (Write(series, time_of(order, phase), order.units),)

    def reads(self, order: OrderFacts) -> Sequence[Read]:
        series = self._series(order)
        return () if series is None else (Read(series, Question.TALLY),)

    def totals(self, order: OrderFacts, readings: Sequence[Reading]) -> tuple[int, int]:
        """Return the number of orders in the window and the sum of their amounts, including the order itself."""
        if not readings:
            return 0, 0
        is_included = self._phase is Phase.ORDERED
        return readings[0].count + (not is_included), readings[0].units + (0 if is_included else order.units)

    @property
    def _phase(self) -> Phase:
        return Phase.ORDERED if self.of == "orders" else Phase.SETTLED

    def _series(self, order: OrderFacts) -> Series | None:
        scope = self._scope(order)
        if scope is None:
            return None
        span, slot = SPANS[self.window]
        return Series(scope, self._name(order.currency), span, slot)

    @cached_property
    def _counted(self) -> str:
        """The part of the series name that says which orders are counted."""
        return f"by {self.by} {self.of} {self.filter_name}"

    @abstractmethod
    def _name(self, currency: str) -> str:
        """Return the name of the series, which says what is counted."""

    def _scope(self, order: OrderFacts) -> Scope | None:
        if self.by == "user":
            return user_scope(order)
        account_id = order.account_id if self.by == "account" else order.receiver_id
        return None if account_id is None else account_scope(account_id)


class VelocityCount(_Velocity):
    """More than a number of orders in a window. Orders in all currencies count."""

    kind: Literal["velocity_count"]
    more_than: Annotated[int, Field(ge=0)]
    """The rule is hit if there are more orders than this number."""

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        count, _ = self.totals(order, readings)
        if count <= self.more_than:
            return None
        return {"count": count, "more_than": self.more_than, "window": self.window, "by": self.by}

    def _name(self, currency: str) -> str:
        del currency
        return self._count_name

    @cached_property
    def _count_name(self) -> str:
        return f"count {self._counted}"


class VelocitySum(_Velocity):
    """More than a sum of money in a window. Only orders in the currency of the order count."""

    kind: Literal["velocity_sum"]
    more_than: Amounts
    """The rule is hit if the sum is higher than this amount."""

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        _, units = self.totals(order, readings)
        limit = self.more_than.units(order.currency)
        if limit is None or units <= limit:
            return None
        return {
            "sum": amount_text(units, order.currency),
            "more_than": amount_text(limit, order.currency),
            "window": self.window,
            "by": self.by,
        }

    def _name(self, currency: str) -> str:
        return f"sum {currency} {self._counted}"
