"""Attacks with `X-Request-Timeout-Ms`: a caller can shorten the time of its request, and do nothing else."""

from __future__ import annotations

import pytest

from servicekit.request_deadline import timeout_of


@pytest.mark.parametrize("value", ["", "-1", "+5", "1.5", "1e3", " 5", "5\n", "0x10", "1234567890", "٣", "nan"])
def test_a_malformed_value_counts_as_absent(value: str) -> None:
    assert timeout_of(value, limit=30.0) == 30.0
