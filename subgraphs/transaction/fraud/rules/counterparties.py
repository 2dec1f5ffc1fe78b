"""Rules about counterparties: new payees, duplicate orders, and accounts with many counterparties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from subgraphs.transaction.fraud.rules.rule import (
    TO_SOMEBODY,
    OrderTypes,
    Phase,
    Rule,
    account_scope,
    time_of,
    user_scope,
)
from subgraphs.transaction.fraud.windows.series import SPANS, Question, Read, Series, Write, member_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from subgraphs.transaction.fraud.order_facts import OrderFacts
    from subgraphs.transaction.fraud.windows.series import Reading

# The largest number of known payees of a user. If there are more, the payee who was paid longest ago becomes new again.
KNOWN_PAYEES: Final = 2_000
# The largest number of a user's orders with which a new order is compared.
COMPARED_ORDERS: Final = 1_000
# The largest number of counterparties that `fan_out` and `fan_in` can count.
MAX_FAN: Final = 1_000


class NewPayee(Rule):
    """The first order to a counterparty: no order to it was completed in the last 365 days."""

    kind: Literal["new_payee"]
    types: OrderTypes = TO_SOMEBODY
    """The types of orders that the rule judges and counts. Orders of other types have no payee."""

    @property
    def phases(self) -> Collection[Phase]:
        return (Phase.SETTLED,)

    def writes(self, order: OrderFacts, phase: Phase) -> Iterable[Write]:
        if phase is Phase.SETTLED and self.counts(order) and order.counterparty is not None:
            yield Write(self._series(order), time_of(order, phase), member=member_key(order.counterparty))

    def reads(self, order: OrderFacts) -> Sequence[Read]:
        if order.counterparty is None:
            return ()
        return (Read(self._series(order), Question.LAST, member_key(order.counterparty)),)

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        del order
        return {} if readings and readings[0].last is None else None

    def _series(self, order: OrderFacts) -> Series:
        return Series(user_scope(order), f"payees {self.filter_name}", SPANS["365d"][0], cap=KNOWN_PAYEES)


class Duplicate(Rule):
    """An order with the same amount and counterparty as another order of the user in the window."""

    kind: Literal["duplicate"]
    types: OrderTypes = TO_SOMEBODY
    """The types of orders that the rule judges and compares. Orders of other types have no counterparty."""
    window: Literal["1m", "1h", "24h", "48h"] = "48h"
    """The largest age of the orders with which a new order is compared."""

    @property
    def phases(self) -> Collection[Phase]:
        return (Phase.ORDERED,)

    def writes(self, order: OrderFacts, phase: Phase) -> Iterable[Write]:
        if phase is Phase.ORDERED and self.counts(order) and order.counterparty is not None:
            yield Write(self._series(order), order.at, member=_same(order), tag=order.transaction_id)

    def reads(self, order: OrderFacts) -> Sequence[Read]:
        return () if order.counterparty is None else (Read(self._series(order), Question.OTHER, _same(order)),)

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        if not readings or readings[0].last is None:
            return None
        seconds = max(0, order.at - readings[0].last) // 1000
        return {"orders": readings[0].count + 1, "seconds_since_last": seconds, "window": self.window}

    def _series(self, order: OrderFacts) -> Series:
        return Series(user_scope(order), f"orders {self.filter_name}", SPANS[self.window][0], cap=COMPARED_ORDERS)


def _same(order: OrderFacts) -> str:
    return member_key(order.counterparty or "", order.currency, str(order.units))


class _Fan(Rule):
    types: OrderTypes = ("TRANSFER",)
    """The types of orders that the rule judges and counts."""
    window: Literal["1h", "24h", "7d"] = "24h"
    """The window, which ends with the order."""
    more_than: Annotated[int, Field(ge=1, lt=MAX_FAN)]
    """The rule is hit if there are more counterparties (or users) than this number."""

    def _hit(self, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        if not readings or readings[0].count <= self.more_than:
            return None
        return {"count": readings[0].count, "more_than": self.more_than, "window": self.window}


class FanOut(_Fan):
    """One account pays many different counterparties within a window."""

    kind: Literal["fan_out"]

    @property
    def phases(self) -> Collection[Phase]:
        return (Phase.ORDERED,)

    def writes(self, order: OrderFacts, phase: Phase) -> Iterable[Write]:
        series = self._series(order)
        if phase is Phase.ORDERED and self.counts(order) and series is not None and order.counterparty is not None:
            yield Write(series, order.at, member=member_key(order.counterparty))

    def reads(self, order: OrderFacts) -> Sequence[Read]:
        series = self._series(order)
        return () if series is None or order.counterparty is None else (Read(series, Question.MEMBERS),)

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        del order
        return self._hit(readings)

    def _series(self, order: OrderFacts) -> Series | None:
        if order.account_id is None:
            return None
        scope = account_scope(order.account_id)
        return Series(scope, f"paid {self.filter_name}", SPANS[self.window][0], cap=MAX_FAN)


class FanIn(_Fan):
    """One account gets money from many different users within a window. The latest order hits the rule."""

    kind: Literal["fan_in"]

    @property
    def phases(self) -> Collection[Phase]:
        return (Phase.ORDERED,)

    def writes(self, order: OrderFacts, phase: Phase) -> Iterable[Write]:
        series = self._series(order)
        if phase is Phase.ORDERED and self.counts(order) and series is not None:
            yield Write(series, order.at, member=member_key(order.user_id))

    def reads(self, order: OrderFacts) -> Sequence[Read]:
        series = self._series(order)
        return () if series is None else (Read(series, Question.MEMBERS),)

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        del order
        return self._hit(readings)

    def _series(self, order: OrderFacts) -> Series | None:
        if order.receiver_id is None:
            return None
        scope = account_scope(order.receiver_id)
        return Series(scope, f"paid by {self.filter_name}", SPANS[self.window][0], cap=MAX_FAN)
