"""Amounts above which a rule applies, with other amounts for some currencies.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from bank.amounts_in_settings import parse_amounts
from bank.values import check_precision

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
        return cls(*parse_amounts(text, "of the form CURRENCY=AMOUNT", _check_currency))

    def is_exceeded_by(self, order: Order) -> bool:
        return order.amount > self.by_currency.get(order.currency, self.above)


def _check_currency(currency: str, amount: Decimal) -> None:
    """Raise InvalidValue if there is no such currency, or if it does not have so many decimals."""
    check_precision(amount, currency)
