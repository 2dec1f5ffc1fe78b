"""The limits of customers: the form of the settings, and the days."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bank.values import parse_timestamp
from subgraphs.account.limits import MAX_UNITS, Ceiling, day_of, end_of_day


def test_a_ceiling_has_a_default_and_own_amounts_of_currencies() -> None:
    ceiling = Ceiling.parse("1000, JPY=150000,KWD=300.5")
    assert [str(ceiling.of(currency)) for currency in ("USD", "JPY", "KWD")] == ["1000.00", "150000", "300.500"]


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1e3", "ten", "10,USD", "10,USD=", "10,XXX=1", "10,usd=1", "10,JPY=1.5", "10,,", "10,=5"]
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        Ceiling.parse(text)


def test_no_ceiling_is_above_the_bound_of_the_store() -> None:
    ceiling = Ceiling(Decimal(10**15 - 1))
    assert ceiling.of("USD") == Decimal("999999999999999.00")
    assert not ceiling.exceeds_bound("USD")
    assert ceiling.of("CLF").scaleb(4) == MAX_UNITS
    assert ceiling.exceeds_bound("CLF")


def test_a_day_ends_at_midnight_utc() -> None:
    late = parse_timestamp("2026-01-31T23:59:59.999Z")
    assert day_of(late) == "2026-01-31"
    assert end_of_day(late) == parse_timestamp("2026-02-01T00:00:00.000Z")
    east = parse_timestamp("2026-02-01T00:30:00.000+02:00")
    assert day_of(east) == "2026-01-31"
