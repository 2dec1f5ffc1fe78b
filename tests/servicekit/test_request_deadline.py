"""The header with the remaining time of a caller."""

from __future__ import annotations

import pytest

from servicekit.request_deadline import header_value, timeout_of


@pytest.mark.parametrize(
    ("seconds", "value"),
    [(1.5, "1500"), (0.0009, "0"), (0, "0"), (-3.0, "0"), (29.9999, "29999"), (1e9, "999999999")],
)
def test_the_header_has_whole_milliseconds_rounded_down(seconds: float, value: str) -> None:
    assert header_value(seconds) == value


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 30.0),
        ("1500", 1.5),
        ("0", 0.0),
        ("30001", 30.0),
        ("999999999", 30.0),
    ],
)
def test_a_caller_shortens_the_limit_and_never_lengthens_it(value: str | None, seconds: float) -> None:
    assert timeout_of(value, limit=30.0) == seconds


@pytest.mark.parametrize("seconds", [0.0, 0.25, 12.0])
def test_what_is_sent_is_what_is_read(seconds: float) -> None:
    assert timeout_of(header_value(seconds), limit=30.0) == seconds
