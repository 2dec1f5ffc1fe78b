"""Rules about the use of an account: money that leaves soon after its arrival, unused accounts, night orders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from subgraphs.transaction.fraud.rules.amounts import Amounts  # noqa: TC001 - pydantic reads annotations at run time
from subgraphs.transaction.fraud.rules.rule import Phase, Rule, account_scope, amount_text, time_of
from subgraphs.transaction.fraud.windows.series import DAY, Question, Read, Series, Write, tally

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from subgraphs.transaction.fraud.order_facts import OrderFacts
    from subgraphs.transaction.fraud.windows.series import Reading

_ALWAYS: Final = "activity"
# How many days the last use of an account is remembered.
_REMEMBERED_DAYS: Final = 3 * 365
_HOURS: Final = 24


class RapidInAndOut(Rule):
    """Most of the money that an account has received leaves it within a window."""

    kind: Literal["rapid_in_and_out"]
    window: Literal["1h", "24h", "7d"] = "24h"
    """The window, which ends with the order."""
    received_at_least: Amounts
    """The rule is not hit if the account has received less than this in the window, in the currency of the order."""
    share_percent: Annotated[int, Field(ge=1, le=100)] = 80
    """The share of the received money that must leave to hit the rule, in percent. The order itself is included."""

    @property
    def phases(self) -> Collection[Phase]:
        return (Phase.ORDERED, Phase.SETTLED)

    def writes(self, order: OrderFacts, phase: Phase) -> Iterable[Write]:
        if phase is Phase.SETTLED:
            # Money that comes in is counted, whatever the type of its order is. The key `types` of the rule selects
            # only among the orders that take money out of the account.
            received_by = order.account_id if order.type == "DEPOSIT" else order.receiver_id
            if received_by is not None and (self.own_accounts or not order.is_between_own_accounts):
                yield Write(self._series(received_by, "received", order.currency), time_of(order, phase), order.units)
        elif self.counts(order) and order.account_id is not None:
            yield Write(self._series(order.account_id, "left", order.currency), order.at, order.units)

    def reads(self, order: OrderFacts) -> Sequence[Read]:
        if order.account_id is None:
            return ()
        return tuple(
            Read(self._series(order.account_id, direction, order.currency), Question.TALLY)
            for direction in ("received", "left")
        )

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        least = self.received_at_least.units(order.currency)
        if not readings or least is None:
            return None
        received, left = readings[0].units, readings[1].units
        if received < least or left * 100 < received * self.share_percent:
            return None
        return {
            "received": amount_text(received, order.currency),
            "left": amount_text(left, order.currency),
            "share_percent": self.share_percent,
            "window": self.window,
        }

    def _series(self, account_id: str, direction: str, currency: str) -> Series:
        return tally(account_scope(account_id), f"{direction} {currency} {self.filter_name}", self.window)


class DormantAccount(Rule):
    """Money leaves an account that its owner has not used for a long time.

    Money that other persons send does not count as use. Otherwise, a thief could send a cent to make the account seem
    used.
    """

    kind: Literal["dormant_account"]
    days: Annotated[int, Field(ge=1, lt=_REMEMBERED_DAYS)] = 180
    """The account is dormant if the last completed order of its owner is at least this number of days ago."""

    @property
    def phases(self) -> Collection[Phase]:
        return (Phase.SETTLED,)

    def writes(self, order: OrderFacts, phase: Phase) -> Iterable[Write]:
        if phase is Phase.SETTLED and order.account_id is not None:
            yield Write(self._series(order.account_id), time_of(order, phase), member=_ALWAYS)

    def reads(self, order: OrderFacts) -> Sequence[Read]:
        if order.account_id is None:
            return ()
        return (Read(self._series(order.account_id), Question.LAST, _ALWAYS),)

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        last = readings[0].last if readings else None
        if last is None or order.at - last < self.days * DAY:
            return None
        return {"days": (order.at - last) // DAY, "at_least": self.days}

    def _series(self, account_id: str) -> Series:
        return Series(account_scope(account_id), "activity", _REMEMBERED_DAYS * DAY, cap=1)


class NightHours(Rule):
    """An order at night, by the clock of a time zone."""

    kind: Literal["night_hours"]
    time_zone: str
    """The IANA name of the time zone, such as `Europe/Berlin`. The rules follow its summer time."""
    from_hour: Annotated[int, Field(ge=0, lt=_HOURS)] = 0
    """The hour in which the night begins."""
    to_hour: Annotated[int, Field(ge=0, lt=_HOURS)] = 5
    """The night ends at the beginning of this hour. The hour may be smaller than `from_hour`."""

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError
            raise ValueError(f"{name[:40]!r} is not a time zone such as Europe/Berlin") from None
        return name

    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        del readings
        local = datetime.fromtimestamp(order.at / 1000, UTC).astimezone(ZoneInfo(self.time_zone))
        if (local.hour - self.from_hour) % _HOURS >= (self.to_hour - self.from_hour) % _HOURS:
            return None
        return {"local_time": f"{local:%H:%M}", "time_zone": self.time_zone}
