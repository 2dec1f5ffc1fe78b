"""The columns of `transactions` for exchanges of currencies; null if the accounts have the same currency."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bank.values import exponent, to_minor_units
from subgraphs.transaction.domain import Conversion

if TYPE_CHECKING:
    from collections.abc import Mapping


def conversion_columns(conversion: Conversion | None) -> dict[str, str | int | None]:
    found = conversion
    return {
        "credited_amount": to_minor_units(found.amount, found.currency) if found else None,
        "credited_exponent": exponent(found.currency) if found else None,
        "credited_currency": found.currency if found else None,
        "rate_base": found.base if found else None,
        "rate_quote": found.quote if found else None,
        "rate": f"{found.rate:f}" if found else None,
        "rates_version": found.version if found else None,
    }


def to_conversion(row: Mapping[str, Any]) -> Conversion | None:
    if row["credited_amount"] is None:
        return None
    return Conversion(
        Decimal(row["credited_amount"]).scaleb(-row["credited_exponent"]),
        row["credited_currency"],
        row["rate_base"],
        row["rate_quote"],
        Decimal(row["rate"]),
        row["rates_version"],
    )
