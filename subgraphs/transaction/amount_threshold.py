"""Amounts above which a rule applies, with other amounts for some currencies.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from bank.values import InvalidValue, check_precision, parse_amount

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from subgraphs.transaction.domain import Order


@dataclass(frozen=True, slots=True)
class AmountThreshold:
    """An amount in any currency. `by_currency` has other amounts for some currencies. Nothing is converted."""

    above: Decimal
    by_currency: Mapping[str, Decimal] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a setting such as `10000` or `10000,JPY=1000000,KWD=3000`.

        Raises:
            ValueError: the text does not have this form; the message names the wrong part.
        """
        default, *others = (part.strip() for part in text.split(","))
        own: dict[str, Decimal] = {}
        for other in others:
            currency, _, amount = other.partition("=")
            try:
                own[currency] = check_precision(parse_amount(amount), currency)
            except InvalidValue as error:
                raise ValueError(f"{other!r} is not of the form CURRENCY=AMOUNT: {error}") from None
        try:
            return cls(parse_amount(default), MappingProxyType(own))
        except InvalidValue as error:
            raise ValueError(f"{default!r} is not an amount: {error}") from None

    def is_exceeded_by(self, order: Order) -> bool:
        return order.amount > self.by_currency.get(order.currency, self.above)
