from __future__ import annotations

import contextlib
import itertools
import os
import re
import threading
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank import values
from bank.values import InvalidValue

CURRENCIES = st.sampled_from(sorted(values.EXPONENTS))
# Up to the minor units of an amount with 15 digits.
MINOR_UNITS = st.integers(min_value=1, max_value=10**15 - 1)


def test_object_ids_are_unique_across_threads_and_ascend() -> None:
    made: list[list[str]] = [[] for _ in range(4)]
    threads = [
        threading.Thread(target=lambda ids=ids: ids.extend(values.new_object_id() for _ in range(500))) for ids in made
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [object_id for ids in made for object_id in ids]
    assert len(set(everything)) == 2000
    assert all(values.is_object_id(object_id) for object_id in everything)
    assert all(ids == sorted(ids) or any(_wraps(ids)) for ids in made)


def _wraps(ids: list[str]) -> list[bool]:
    """For each pair of neighbours, whether the 3-byte counter, which starts at a random value, wrapped between them."""
    return [later[18:] < earlier[18:] for earlier, later in itertools.pairwise(ids)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_forked_process_makes_other_object_ids() -> None:
    values.new_object_id()
    readable, writable = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(writable, values.new_object_id().encode())
        os._exit(0)
    os.close(writable)
    theirs, ours = os.read(readable, 24).decode(), values.new_object_id()
    os.close(readable)
    os.waitpid(pid, 0)
    assert theirs[8:18] != ours[8:18]


def test_user_ids_are_uuid_v7_and_ascend() -> None:
    made = [values.new_user_id() for _ in range(100)]
    assert all(values.is_user_id(user_id) for user_id in made)
    assert made == sorted(made)


@pytest.mark.parametrize("text", ["", "0" * 23, "0" * 25, "G" * 24, "A" * 24, "\uff10" * 24, "0" * 24 + "\n"])
def test_other_texts_are_not_object_ids(text: str) -> None:
    assert not values.is_object_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0192f0c1-0000-4000-8000-000000000000",
        "0192f0c1-0000-7000-c000-000000000000",
        "0192F0C1-0000-7000-8000-00000000000A",
        "0192f0c1000070008000000000000000",
        "0192f0c1-0000-7000-8000-000000000000\n",
    ],
)
def test_other_texts_are_not_user_ids(text: str) -> None:
    assert not values.is_user_id(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1234567890", True), ("123456789", False), ("12345678901", False), ("123456789a", False), ("\u0661" * 10, False)],
)
def test_account_numbers_have_ten_ascii_digits(text: str, *, expected: bool) -> None:
    assert values.is_account_number_shaped(text) is expected


@given(MINOR_UNITS, CURRENCIES)
def test_every_amount_is_unchanged_after_formatting_and_minor_units(units: int, currency: str) -> None:
    amount = values.from_minor_units(units, currency)
    text = values.format_amount(amount, currency)
    assert values.check_precision(values.parse_amount(text), currency) == amount
    assert values.to_minor_units(amount, currency) == units


@given(MINOR_UNITS, CURRENCIES)
def test_an_amount_prints_exactly_the_decimals_of_its_currency(units: int, currency: str) -> None:
    text = values.format_amount(values.from_minor_units(units, currency), currency)
    decimals = values.exponent(currency)
    assert re.fullmatch(rf"\d+\.\d{{{decimals}}}" if decimals else r"\d+", text)


@pytest.mark.parametrize(("currency", "text"), [("USD", "0.00"), ("JPY", "0"), ("KWD", "0.000")])
def test_zero_has_the_decimals_of_its_currency(currency: str, text: str) -> None:
    assert values.format_amount(values.from_minor_units(0, currency), currency) == text


@given(st.text() | st.from_regex(r"\A[0-9]{1,18}(\.[0-9]{0,6})?\Z"))
def test_parsing_an_amount_raises_only_invalid_value(text: str) -> None:
    with contextlib.suppress(InvalidValue):
        amount = values.parse_amount(text)
        assert amount > 0
        assert f"{amount:f}" == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "0.00", "-1", "+1", "01", "1.", ".5", "1e3", "1E3", "NaN", "Infinity", "sNaN", "1_000", "1,000.00"),
        *(" 1", "1 ", "1\n", "0x10", "1.00000", "\u0661", "\uff11", "1" * 16, "1" * 10_000),
    ],
)
def test_other_texts_are_not_amounts(text: str) -> None:
    with pytest.raises(InvalidValue):
        values.parse_amount(text)


@pytest.mark.parametrize(
    ("text", "currency"), [("1.0", "USD"), ("1", "USD"), ("1.000", "USD"), ("1.0", "JPY"), ("1.00", "KWD")]
)
def test_another_number_of_decimals_than_the_currency_has_is_refused(text: str, currency: str) -> None:
    with pytest.raises(InvalidValue, match=currency):
        values.check_precision(values.parse_amount(text), currency)


def test_an_amount_is_never_rounded() -> None:
    with pytest.raises(InvalidValue):
        values.format_amount(Decimal("1.005"), "USD")
    with pytest.raises(InvalidValue):
        values.to_minor_units(Decimal("1.005"), "USD")
    with pytest.raises(InvalidValue):
        values.check_precision(Decimal("NaN"), "USD")


@pytest.mark.parametrize("code", ["", "usd", "US", "XXX", "XAU", "ZZZ", "USD "])
def test_other_texts_are_not_currencies(code: str) -> None:
    with pytest.raises(InvalidValue):
        values.exponent(code)


@given(
    st.datetimes(
        timezones=st.timezones() | st.just(UTC),
        min_value=datetime.fromisoformat("0001-01-03"),
        max_value=datetime.fromisoformat("9999-12-29"),
    )
)
def test_every_time_is_unchanged_after_formatting_to_the_millisecond(moment: datetime) -> None:
    text = values.format_timestamp(moment)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert values.parse_timestamp(text) == values.truncate_to_milliseconds(moment.astimezone(UTC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000Z"),
        ("2026-01-31t09:30:00.1z", "2026-01-31T09:30:00.100Z"),
        ("2026-01-31T09:30:00.123456789+01:00", "2026-01-31T08:30:00.123Z"),
        ("2026-01-31T00:30:00-00:00", "2026-01-31T00:30:00.000Z"),
    ],
)
def test_times_of_rfc_3339_are_read_with_any_offset(text: str, expected: str) -> None:
    assert values.format_timestamp(values.parse_timestamp(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T09:30Z",
        "2026-01-31T09:30:00",
        "2026-01-31 09:30:00Z",
        "2026-02-30T09:30:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T09:60:00Z",
        "2026-01-31T09:30:60Z",
        "2026-01-31T09:30:00+24:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "2026-W05-6T09:30:00Z",
        "20260131T093000Z",
        "2026-01-31T09:30:00,5Z",
        "2026-01-31T09:30:00Z\n",
        "\u0662026-01-31T09:30:00Z",
    ],
)
def test_other_texts_are_not_times(text: str) -> None:
    with pytest.raises(InvalidValue):
        values.parse_timestamp(text)


@given(st.text() | st.from_regex(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,12})?(Z|[+-]\d\d:\d\d)\Z"))
def test_parsing_a_time_raises_only_invalid_value(text: str) -> None:
    with contextlib.suppress(InvalidValue):
        assert values.parse_timestamp(text).tzinfo is UTC


def test_the_current_time_is_in_utc_and_whole_milliseconds() -> None:
    now = values.now()
    assert now.utcoffset() == timedelta(0)
    assert now.microsecond % 1000 == 0
    assert abs(datetime.now(timezone(timedelta(hours=1))) - now) < timedelta(seconds=5)
