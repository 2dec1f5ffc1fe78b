"""A table of exchange rates, and the conversion of an order by it (bank §2.21).

One unit of `base` is worth `rate` units of `quote`. A rate converts in this direction only, and only within its time;
the bank buys and sells at different rates, so no rate is computed from others. The converted amount is rounded down to
the smallest unit of the currency, so that a customer does not gain by splitting an order into small ones.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal, localcontext
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bank.values import InvalidValue, exponent, to_minor_units
from subgraphs.transaction.domain import MAX_MINOR_UNITS, Conversion, TransactionType

if TYPE_CHECKING:
    from subgraphs.transaction.domain import Order, Parties

# The digits of the largest amount and of the longest rate, multiplied exactly.
_DIGITS: Final = 60
MAX_RATES: Final = 10_000


def _currency(text: str) -> str:
    try:
        exponent(text)
    except InvalidValue as error:
        raise ValueError(str(error)) from None
    return text


def _moment(value: object) -> object:
    """Take a time that YAML has parsed already. YAML's times without an offset are in UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


_Currency = Annotated[str, AfterValidator(_currency)]
_Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
# A rate is a string, because a number in YAML would be a float.
_Rate = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,12})?$")]


class Rate(BaseModel):
    """One unit of `base` is `rate` units of `quote`, from `valid_from` and before `valid_until`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: _Currency
    quote: _Currency
    rate: _Rate
    valid_from: _Moment
    valid_until: _Moment

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.base == self.quote:
            raise ValueError("base and quote are the same currency")
        if Decimal(self.rate) == 0:
            raise ValueError("the rate must be greater than 0")
        if self.valid_from >= self.valid_until:
            raise ValueError("valid_until must be after valid_from")
        return self


class RatesTable(BaseModel):
    """The rates of a file. `version` is stored with each conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,40}$")]
    rates: Annotated[tuple[Rate, ...], Field(max_length=MAX_RATES)]

    @model_validator(mode="after")
    def _no_overlap(self) -> Self:
        ordered = sorted(self.rates, key=lambda rate: (rate.base, rate.quote, rate.valid_from))
        for one, other in pairwise(ordered):
            if (one.base, one.quote) == (other.base, other.quote) and other.valid_from < one.valid_until:
                raise ValueError(f"two rates of {one.base} in {one.quote} are valid at {other.valid_from.isoformat()}")
        return self

    def find(self, base: str, quote: str, at: datetime) -> Rate | None:
        return next(
            (
                rate
                for rate in self.rates
                if (rate.base, rate.quote) == (base, quote) and rate.valid_from <= at < rate.valid_until
            ),
            None,
        )

    def convert(self, order: Order, parties: Parties, at: datetime) -> Conversion | None:
        """Return what a transfer credits to an account of another currency.

        Return None if there is nothing to convert, no rate is valid, or the result has no unit or too many. The ledger
        then refuses the order for its currencies.
        """
        source, destination = parties.source, parties.destination
        if order.type is not TransactionType.TRANSFER or source is None or destination is None:
            return None
        if source.currency != order.currency or destination.currency in {None, order.currency}:
            return None
        rate = self.find(order.currency, destination.currency or "", at)
        if rate is None:
            return None
        amount = converted(order.amount, Decimal(rate.rate), rate.quote)
        if not 0 < to_minor_units(amount, rate.quote) <= MAX_MINOR_UNITS:
            return None
        return Conversion(amount, rate.quote, rate.base, rate.quote, Decimal(rate.rate), self.version)


def convert(table: RatesTable | None, order: Order, parties: Parties, at: datetime) -> Conversion | None:
    """Return `table.convert`; None without a table."""
    return None if table is None else table.convert(order, parties, at)


def converted(amount: Decimal, rate: Decimal, currency: str) -> Decimal:
    """Return `amount` times `rate`, rounded down to the smallest unit of `currency`."""
    with localcontext(prec=_DIGITS):
        return (amount * rate).quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_DOWN)
