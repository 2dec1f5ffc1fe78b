from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from router.transport.layers.pause import LONGEST_TOLD, Rest, retry_after


def after(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (503, "3", 3),
        (429, " 120 ", 120),
        (503, "0", 0),
        (503, "999999999", LONGEST_TOLD),
        (200, "3", None),
        (301, "3", None),
        (503, "", None),
        (503, "-3", None),
        (503, "3.5", None),
        (503, "soon", None),
        (503, "9" * 30, None),
        (503, "Wed, 21 Oct 2015 07:28:00 GMT", 0),
        (503, "Wed, 21 Oct 9999 07:28:00 -0000", LONGEST_TOLD),
        (503, "Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_seconds_are_read_where_they_mean_a_wait(status: int, text: str, expected: int | None) -> None:
    assert retry_after(status, {"retry-after": text}) == expected


def test_a_date_is_turned_into_seconds_from_now() -> None:
    seconds = retry_after(503, {"retry-after": after(100)})
    assert seconds is not None
    assert 98 <= seconds <= 100


def test_a_header_that_is_not_there_says_nothing() -> None:
    assert retry_after(503, {}) is None


def test_a_rest_ends_when_it_was_asked_to() -> None:
    rest = Rest(longest=30)
    assert rest.left(100.0) is None
    rest.begin(100.0, 3)
    assert (rest.left(100.0), rest.left(102.5), rest.left(103.0)) == (3, 1, None)


def test_a_rest_has_a_bound_and_a_shorter_one_does_not_end_it() -> None:
    rest = Rest(longest=10)
    rest.begin(0.0, 86_400)
    rest.begin(1.0, 2)
    assert rest.left(9.0) == 1
    assert rest.left(10.0) is None


def test_without_a_bound_there_is_no_rest() -> None:
    rest = Rest(longest=None)
    rest.begin(0.0, 10)
    assert rest.left(1.0) is None
