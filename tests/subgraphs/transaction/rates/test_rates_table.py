"""Files of exchange rates, their mistakes, and what a rate makes of an amount.

Covers `subgraphs/transaction/rates/rates_file.py` and `subgraphs/transaction/live_file.py`, too, and
`subgraphs/transaction/yaml_file.py`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bank.values import exponent
from subgraphs.transaction.domain import Conversion, Parties
from subgraphs.transaction.live_file import LiveFile
from subgraphs.transaction.rates.rates_file import SCHEMA_FILE, load_rates, read_rates, schema_text
from subgraphs.transaction.rates.rates_table import converted
from subgraphs.transaction.yaml_file import InvalidFile
from tests.subgraphs.transaction.support import START, deposit_order, party, transfer_order

if TYPE_CHECKING:
    from pathlib import Path

    from subgraphs.transaction.domain import Party

RATE = """  - base: EUR
    quote: USD
    rate: "1.0850"
    valid_from: 2026-03-01T00:00:00Z
    valid_until: 2026-03-02T00:00:00Z
"""
TABLE = f"version: 2026-03-01a\nrates:\n{RATE}"
EURO_TO_YEN = RATE.replace("USD", "JPY").replace("1.0850", "0.001")


def account(currency: str) -> Party:
    return replace(party(), currency=currency)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "f:1: a mapping with `version` and `rates` is expected"),
        ("version: [", "f:1: not YAML"),
        ("version: a\n", "f:1: rates: this key is required"),
        ("version: a b\nrates: []\n", "f:1: version: text that matches"),
        (TABLE + "more: 1\n", "f:8: more: Extra inputs are not permitted"),
        (TABLE.replace('"1.0850"', "1.0850"), "f:5: rates.0.rate: Input should be a valid string"),
        (TABLE.replace("1.0850", "-1"), "f:5: rates.0.rate: text that matches"),
        (TABLE.replace("1.0850", "1e3"), "f:5: rates.0.rate: text that matches"),
        (TABLE.replace("1.0850", "0.000"), "f:3: rates.0: the rate must be greater than 0"),
        (TABLE.replace("USD", "usd"), "f:4: rates.0.quote: "),
        (TABLE.replace("USD", "EUR"), "f:3: rates.0: base and quote are the same currency"),
        (TABLE.replace("03-02", "02-02"), "f:3: rates.0: valid_until must be after valid_from"),
        (TABLE.replace("2026-03-02T00:00:00Z", "soon"), "f:7: rates.0.valid_until: "),
        (TABLE + RATE, "f:1: two rates of EUR in USD are valid at 2026-03-01T00:00:00+00:00"),
    ],
)
def test_a_mistake_is_reported_with_its_line(text: str, mistake: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        read_rates(text, "f")
    assert str(refused.value).startswith(mistake)


def test_rates_that_follow_each_other_do_not_overlap() -> None:
    tomorrow = RATE.replace("03-02", "03-03").replace("03-01", "03-02").replace("1.0850", "1.1")
    table = read_rates(TABLE + tomorrow, "f")
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    found = [
        table.find("EUR", "USD", at)
        for at in (midnight - timedelta(days=1), midnight - timedelta(milliseconds=1), midnight)
    ]
    assert [rate.rate if rate else None for rate in found] == ["1.0850", "1.0850", "1.1"]
    for at in (midnight - timedelta(days=1, milliseconds=1), midnight + timedelta(days=1)):
        assert table.find("EUR", "USD", at) is None
    assert table.find("USD", "EUR", midnight) is None


def test_only_a_transfer_between_two_currencies_is_converted() -> None:
    table = read_rates(TABLE + EURO_TO_YEN, "f")
    euros, dollars, yen, pounds = map(account, ("EUR", "USD", "JPY", "GBP"))
    order = transfer_order(euros, dollars, "10.01", "EUR")
    expected = Conversion(Decimal("10.86"), "USD", "EUR", "USD", Decimal("1.0850"), "2026-03-01a")
    assert table.convert(order, Parties(euros, dollars), START) == expected
    for parties in (
        Parties(euros, euros),
        Parties(euros, pounds),
        Parties(euros, None),
        Parties(None, dollars),
        Parties(dollars, euros),
        # 10.01 EUR are less than one yen at this rate.
        Parties(euros, yen),
        Parties(euros, replace(dollars, currency=None)),
    ):
        assert table.convert(order, parties, START) is None
    assert table.convert(order, Parties(euros, dollars), START + timedelta(days=1)) is None
    assert table.convert(deposit_order(dollars, "10.00", "EUR"), Parties(None, dollars), START) is None


def test_an_amount_that_no_account_can_have_is_not_converted() -> None:
    table = read_rates(TABLE.replace("1.0850", "999999999"), "f")
    euros, dollars = account("EUR"), account("USD")
    order = transfer_order(euros, dollars, "92233720368547758.07", "EUR")
    assert table.convert(order, Parties(euros, dollars), START) is None


@given(
    units=st.integers(1, 2**63 - 1),
    rate=st.decimals("0.000000000001", "999999999", places=12),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    parts=st.integers(2, 5),
)
def test_a_conversion_is_exact_to_the_unit_below_and_splitting_gains_nothing(
    units: int, rate: Decimal, currency: str, parts: int
) -> None:
    amount = Decimal(units).scaleb(-2)
    result, unit = converted(amount, rate, currency), Decimal(1).scaleb(-exponent(currency))
    # Integers of Python are exact, whatever their size.
    exact = units * int(rate.scaleb(12))
    scale = 10**14
    whole = int(result.scaleb(exponent(currency))) * scale
    assert whole <= exact * 10 ** exponent(currency) < whole + scale
    assert -int(result.as_tuple().exponent) == exponent(currency)
    share = Decimal(units // parts).scaleb(-2)
    if share:
        pieces = [share] * (parts - 1) + [amount - share * (parts - 1)]
        assert sum(converted(piece, rate, currency) for piece in pieces) <= result + 0 * unit


async def test_a_changed_file_is_used_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "rates.yaml"
    path.write_text(TABLE, encoding="utf-8")
    rates = LiveFile(path, load_rates, lambda table: table.version, "exchange rates")
    path.write_text("version: b\nrates: oops\n", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    with capture_logs() as lines:
        await rates.refresh()
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("exchange rates not reloaded, the old ones stay", "error")
    ]
    assert rates.current.version == "2026-03-01a"
    path.write_text("version: b\nrates: []\n", encoding="utf-8")
    await rates.refresh()
    assert rates.current.version == "b"


def test_the_schema_in_the_repository_is_that_of_the_code() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()
