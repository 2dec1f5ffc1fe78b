from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from router.transport.retry_after import MAX_SECONDS, retry_after


def after(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (503, "3", 3),
        (429, " 120 ", 120),
        (503, "0", 0),
        (503, "999999999", MAX_SECONDS),
        (200, "3", None),
        (301, "3", None),
        (503, "", None),
        (503, "-3", None),
        (503, "3.5", None),
        (503, "soon", None),
        (503, "9" * 30, None),
        (503, "Wed, 21 Oct 2015 07:28:00 GMT", 0),
        (503, "Wed, 21 Oct 9999 07:28:00 -0000", MAX_SECONDS),
        (503, "Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_seconds_are_read_with_the_statuses_that_mean_a_wait(status: int, text: str, expected: int | None) -> None:
    assert retry_after(status, {"retry-after": text}) == expected


def test_a_date_is_turned_into_seconds_from_now() -> None:
    seconds = retry_after(503, {"retry-after": after(100)})
    assert seconds is not None
    assert 60 <= seconds <= 100  # the machine may be slow between the two


def test_without_the_header_there_is_no_wait() -> None:
    assert retry_after(503, {}) is None
