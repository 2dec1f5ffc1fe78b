"""The limits of customers: the largest amount of an order, of a day and of a balance (bank §2.12). Pure.

A day ends at midnight UTC. For each person, day and currency, two sums are limited: the money that leaves the person's
accounts (transfers, withdrawals, payments), and the money that is deposited into them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self

from bank.values import InvalidValue, exponent, from_minor_units, parse_amount, to_minor_units

if TYPE_CHECKING:
    from collections.abc import Mapping

# The upper bound of each balance, daily sum and order, in minor units. The bound is so low that the sum of a few such
# numbers fits into 64 bits. It is higher than any limit that makes sense.
MAX_UNITS: Final = 10**18


class LimitKind(StrEnum):
    ORDER = "ORDER"
    DAY = "DAY"
    BALANCE = "BALANCE"


class Direction(StrEnum):
    """Whether an order counts towards a person's daily sum of outgoing or of incoming money."""

    OUT = "OUT"
    IN = "IN"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The largest amount of an order, day or balance: `default` major units, or another amount for some currencies."""

    default: Decimal
    by_currency: Mapping[str, Decimal] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the form of the settings: `10000000` or `10000000,JPY=1000000000,KWD=2500000`.

        Raises:
            ValueError: the text does not have this form; the message names the wrong part.
        """
        default, *others = (part.strip() for part in text.split(","))
        own: dict[str, Decimal] = {}
        for other in others:
            currency, _, amount = other.partition("=")
            try:
                own[currency] = parse_amount(amount)
                to_minor_units(own[currency], currency)
            except InvalidValue as error:
                raise ValueError(f"{other!r} is not of the form CURRENCY=AMOUNT: {error}") from None
        try:
            return cls(parse_amount(default), MappingProxyType(own))
        except InvalidValue as error:
            raise ValueError(f"{default!r} is not an amount: {error}") from None

    def of(self, currency: str) -> Decimal:
        """The largest amount in `currency`, with its decimals and never above `MAX_UNITS`."""
        return from_minor_units(min(self._units(currency), MAX_UNITS), currency)

    def exceeds_bound(self, currency: str) -> bool:
        """Whether the setting allows more than `MAX_UNITS`. If so, the limit is `MAX_UNITS`."""
        return self._units(currency) > MAX_UNITS

    def _units(self, currency: str) -> int:
        amount = self.by_currency.get(currency, self.default)
        return int(amount.scaleb(exponent(currency)))


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of every customer.

    Attributes:
        order: the largest amount that one order may move.
        day: the largest amount that a person may move on one day, for each direction and currency (`DaySum`).
        balance: the highest balance of an account.
        receiver_tries: how many wrong receivers (`posting_rules.WRONG_RECEIVERS`) a person may name. After that,
            transfers of this person to others are refused.
    """

    order: Ceiling = Ceiling(Decimal(10_000_000))
    day: Ceiling = Ceiling(Decimal(50_000_000))
    balance: Ceiling = Ceiling(Decimal(1_000_000_000))
    receiver_tries: int = 20


@dataclass(frozen=True, slots=True)
class DaySum:
    """The amount that one person moved on one day (`2026-01-31`, UTC), in one direction and currency."""

    user_id: str
    currency: str
    direction: Direction
    day: str
    amount: Decimal


def day_of(moment: datetime) -> str:
    """Return the day of `moment` in UTC, in the form `2026-01-31`."""
    return moment.astimezone(UTC).date().isoformat()


def next_day(day: str) -> str:
    """Return the day after `day`, in the same form (`2026-01-31`)."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def end_of_day(moment: datetime) -> datetime:
    """Return the midnight in UTC at which the day of `moment` ends."""
    return datetime.combine(moment.astimezone(UTC).date() + timedelta(days=1), time(tzinfo=UTC))
