"""Reads settings of amounts with exceptions, such as `10000,JPY=1000000`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from bank.values import InvalidValue, parse_amount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal


def parse_amounts(
    text: str, form: str, check: Callable[[str, Decimal], object]
) -> tuple[Decimal, Mapping[str, Decimal]]:
    """Return the default amount, and the amounts of the exceptions by their keys.

    Args:
        text: the default amount; after commas, exceptions of the form `KEY=AMOUNT`.
        form: the form of an exception, for the message.
        check: raises InvalidValue if a key is not known, or its amount is not possible for it.

    Raises:
        ValueError: the text does not have this form; the message names the wrong part.
    """
    default, *others = (part.strip() for part in text.split(","))
    exceptions: dict[str, Decimal] = {}
    for other in others:
        key, _, amount = other.partition("=")
        try:
            exceptions[key] = parse_amount(amount)
            check(key, exceptions[key])
        except InvalidValue as error:
            raise ValueError(f"{other!r} is not {form}: {error}") from None
    try:
        return parse_amount(default), MappingProxyType(exceptions)
    except InvalidValue as error:
        raise ValueError(f"{default!r} is not an amount: {error}") from None
