"""Amounts in a rules file: one amount for all currencies, or a table with an amount for each currency."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, RootModel, WithJsonSchema

from bank.values import EXPONENTS, InvalidValue, parse_amount, to_minor_units
from subgraphs.transaction.domain import MAX_MINOR_UNITS

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT: Final = "default"
_AMOUNT_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"}]
}
_SCHEMA: Final[dict[str, Any]] = {
    "description": "An amount in major units of any currency, or a mapping of currencies (and `default`) to amounts.",
    "anyOf": [
        *_AMOUNT_SCHEMA["anyOf"],
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": r"^(default|[A-Z]{3})$"},
            "additionalProperties": _AMOUNT_SCHEMA,
        },
    ],
}


def _read(value: object) -> object:
    table = value if isinstance(value, dict) else {DEFAULT: value}
    if not table:
        raise ValueError("an amount or a mapping of currencies to amounts is expected")
    return {_currency(key): _amount(key, each) for key, each in table.items()}


def _currency(key: object) -> str:
    if key != DEFAULT and key not in EXPONENTS:
        raise ValueError(f"{key!r} is not an ISO 4217 currency code and not `default`")
    return str(key)


def _amount(currency: object, value: object) -> Decimal:
    if isinstance(value, float):
        raise ValueError("an amount with decimals is written in quotation marks, such as '99.50'")  # noqa: TRY004 - pydantic
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("an amount such as 1000 or '99.50' is expected")  # noqa: TRY004 - pydantic
    try:
        amount = parse_amount(str(value))
        if currency != DEFAULT:
            to_minor_units(amount, str(currency))
    except InvalidValue as error:
        raise ValueError(f"{str(value)[:40]!r} is not an amount: {error}") from None
    return amount


class AmountTable(RootModel[dict[str, Decimal]]):
    """Amounts in major units by currency. The key `default` is for all currencies that are not in the table."""

    def units(self, currency: str) -> int | None:
        """Return the amount for `currency` in minor units, rounded up. Return None if the table has no such amount."""
        return self._units.get(currency)

    @cached_property
    def _units(self) -> Mapping[str, int]:
        table = {}
        for currency, decimals in EXPONENTS.items():
            amount = self.root.get(currency, self.root.get(DEFAULT))
            if amount is not None:
                units = int(amount.scaleb(decimals).to_integral_value(ROUND_CEILING))
                table[currency] = min(units, MAX_MINOR_UNITS)
        return table


Amounts = Annotated[AmountTable, BeforeValidator(_read), WithJsonSchema(_SCHEMA)]
