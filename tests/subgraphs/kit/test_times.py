from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from subgraphs.kit.times import from_milliseconds, to_milliseconds


@given(st.integers(0, 4_102_444_800_000))
def test_milliseconds_survive_the_round_trip(milliseconds: int) -> None:
    moment = from_milliseconds(milliseconds)
    assert moment == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert to_milliseconds(moment) == milliseconds
