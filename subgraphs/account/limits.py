"""The limits of customers: the largest order, daily sum, monthly sum and balance (bank §2.12).

Days and months end at midnight UTC. For each person, period and currency, two sums are limited: the money that leaves
the person's accounts (transfers, withdrawals, payments), and the money that is deposited into them.

A type of account may have additional limits. They apply to the sum over the person's accounts of this type. The limits
for all accounts apply too.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Self

from bank.amounts_in_settings import parse_amounts
from bank.values import exponent, from_minor_units, to_minor_units
from subgraphs.account.domain import AccountType

if TYPE_CHECKING:
    from collections.abc import Mapping

# The upper bound of each balance, daily sum and order, in minor units. It is higher than any useful limit, and so low
# that the sum of several such numbers fits into 64 bits.
MAX_UNITS: Final = 10**18
# The largest monthly sum that is stored: a larger sum is stored as this number. Without this bound, the sum of an
# account without a monthly limit could become too large for 64 bits. This number is above each possible limit.
_MAX_IN_A_MONTH: Final = 9 * MAX_UNITS


class Direction(StrEnum):
    """The sum to which an order is added: the person's outgoing money or the person's incoming money."""

    OUT = "OUT"
    IN = "IN"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The largest amount of an order, period or balance, in major units.

    Attributes:
        default: the amount for any currency and type of account.
        exceptions: other amounts. The key is a currency, a type, or both: `JPY`, `SAVINGS`, `SAVINGS:JPY`.
    """

    default: Decimal
    exceptions: Mapping[str, Decimal] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a setting such as `10000000` or `10000000,JPY=1000000000,SAVINGS=5000,SAVINGS:JPY=750000`.

        Raises:
            ValueError: the text does not have this form; the message names the wrong part.
        """
        return cls(*parse_amounts(text, "CURRENCY=AMOUNT, TYPE=AMOUNT or TYPE:CURRENCY=AMOUNT", _check_key))

    def of(self, currency: str) -> Decimal:
        """Return the limit as an amount in `currency`, with the decimals of the currency; at most `MAX_UNITS`."""
        return from_minor_units(min(self._units(currency), MAX_UNITS), currency)

    def of_type(self, type_: AccountType, currency: str) -> Decimal | None:
        """Return the largest amount for accounts of this type, at most `MAX_UNITS`.

        Return None if the type has no separate limit.
        """
        amount = self.exceptions.get(f"{type_}:{currency}", self.exceptions.get(type_))
        if amount is None:
            return None
        return from_minor_units(min(_units_of(amount, currency), MAX_UNITS), currency)

    def exceeds_bound(self, currency: str) -> bool:
        """Whether the setting allows more than `MAX_UNITS`. If so, the limit is `MAX_UNITS`."""
        return self._units(currency) > MAX_UNITS

    def _units(self, currency: str) -> int:
        return _units_of(self.exceptions.get(currency, self.default), currency)


def _units_of(amount: Decimal, currency: str) -> int:
    return int(amount.scaleb(exponent(currency)))


def _check_key(key: str, amount: Decimal) -> None:
    first, _, second = key.partition(":")
    types = {type_.value for type_ in AccountType}
    currency = second if second and first in types else first
    if currency not in types:
        to_minor_units(amount, currency)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of every customer.

    Attributes:
        order: the largest amount that one order may move.
        day: the largest amount that a person may move on one day, for each direction and currency (`MovedSum`).
        balance: the highest balance of an account.
        month: the largest amount that a person may move in one month; None if there is no monthly limit.
        receiver_tries: how many wrong receivers (`posting_rules.WRONG_RECEIVERS`) a person may name. After that,
            transfers of this person to others are refused.
    """

    order: Ceiling = Ceiling(Decimal(10_000_000))
    day: Ceiling = Ceiling(Decimal(50_000_000))
    balance: Ceiling = Ceiling(Decimal(1_000_000_000))
    receiver_tries: int = 20
    month: Ceiling | None = None


@dataclass(frozen=True, slots=True)
class MovedSum:
    """The sums that a person moved on one day and in one month.

    There is one `MovedSum` for each direction, currency and type of account.

    Attributes:
        account_type: None for sums of an early release, which did not store the type.
        day: the day of `day_amount`, such as `2026-01-31`.
        month: the month of `month_amount`, such as `2026-01`.
    """

    user_id: str
    currency: str
    direction: Direction
    account_type: AccountType | None
    day: str
    day_amount: Decimal
    month: str
    month_amount: Decimal

    def on_day(self, moment: datetime) -> Decimal:
        """Return the part of the sum that counts against the daily limit at `moment`.

        A sum of the day of `moment` counts. A sum of the next day counts too, because the clock may have been set back
        over midnight. A sum of a later day was stored while the clock was far ahead. It does not count, because
        otherwise it would reduce the limit of every day before that day.
        """
        today = day_of(moment)
        counts = self.day == today or self.day == next_day(today)
        return self.day_amount if counts else from_minor_units(0, self.currency)

    def in_month(self, moment: datetime) -> Decimal:
        """Return the part of the sum that counts against the monthly limit at `moment`.

        A sum of the next month counts too, for the same reason as in `on_day`.
        """
        this_month = month_of(moment)
        counts = self.month == this_month or self.month == next_month(this_month)
        return self.month_amount if counts else from_minor_units(0, self.currency)

    def plus(self, amount: Decimal, moment: datetime) -> MovedSum:
        """Return the sum after `amount` was moved at `moment`."""
        today, this_month = day_of(moment), month_of(moment)
        return replace(
            self,
            day=self.day if self.day == next_day(today) else today,
            day_amount=self.on_day(moment) + amount,
            month=self.month if self.month == next_month(this_month) else this_month,
            month_amount=min(self.in_month(moment) + amount, from_minor_units(_MAX_IN_A_MONTH, self.currency)),
        )

    def minus(self, amount: Decimal, counted_at: datetime) -> MovedSum:
        """Return the sum without `amount`, which was added at the time `counted_at` but was not moved.

        If a new day or month has begun since `counted_at`, the sum of the new day or month does not contain the amount,
        and is not changed.
        """
        nothing = from_minor_units(0, self.currency)
        in_day, in_month = self.on_day(counted_at) > 0, self.in_month(counted_at) > 0
        return replace(
            self,
            day_amount=max(self.day_amount - amount, nothing) if in_day else self.day_amount,
            month_amount=max(self.month_amount - amount, nothing) if in_month else self.month_amount,
        )


def day_of(moment: datetime) -> str:
    """Return the day of `moment` in UTC, in the form `2026-01-31`."""
    return moment.astimezone(UTC).date().isoformat()


# Nearly all orders are of the same day.
@lru_cache(maxsize=8)
def next_day(day: str) -> str:
    """Return the day after `day`, in the same form (`2026-01-31`)."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def end_of_day(moment: datetime) -> datetime:
    """Return the midnight in UTC at which the day of `moment` ends."""
    return datetime.combine(moment.astimezone(UTC).date() + timedelta(days=1), time(tzinfo=UTC))


def month_of(moment: datetime) -> str:
    """Return the month of `moment` in UTC, in the form `2026-01`."""
    return day_of(moment)[:7]


@lru_cache(maxsize=8)
def next_month(month: str) -> str:
    """Return the month after `month`, in the same form (`2026-01`)."""
    return month_of(end_of_month(datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)))


def end_of_month(moment: datetime) -> datetime:
    """Return the midnight in UTC at which the month of `moment` ends."""
    later = moment.astimezone(UTC).replace(day=28) + timedelta(days=4)
    return datetime.combine(later.date().replace(day=1), time(tzinfo=UTC))
