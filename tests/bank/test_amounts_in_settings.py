from __future__ import annotations

from decimal import Decimal

import pytest

from bank.amounts_in_settings import parse_amounts
from bank.values import InvalidValue


def check(key: str, amount: Decimal) -> None:
    if key != "JPY" or amount != int(amount):
        raise InvalidValue("no such key, or too many decimals")


def test_a_default_amount_with_exceptions() -> None:
    assert parse_amounts("10.50", "KEY=AMOUNT", check) == (Decimal("10.50"), {})
    assert parse_amounts(" 10 , JPY=1000 ", "KEY=AMOUNT", check) == (Decimal(10), {"JPY": Decimal(1000)})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not an amount"),
        ("ten", "'ten' is not an amount"),
        ("10,JPY", "'JPY' is not KEY=AMOUNT"),
        ("10,EUR=5", "'EUR=5' is not KEY=AMOUNT: no such key"),
        ("10,JPY=0.5", "'JPY=0.5' is not KEY=AMOUNT: no such key"),
    ],
)
def test_the_wrong_part_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_amounts(text, "KEY=AMOUNT", check)
