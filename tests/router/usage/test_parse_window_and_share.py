"""Windows and thresholds as people write them."""

from __future__ import annotations

import time

import pytest

from router.usage.parse_window_and_share import share_of, window_of


@pytest.mark.parametrize(
    ("text", "seconds"), [("90m", 5_400), ("6h", 21_600), ("30d", 2_592_000), (" 2 w ", 1_209_600)]
)
def test_a_window_begins_a_length_of_time_ago(text: str, seconds: int) -> None:
    assert window_of(text, ["web"]).since == pytest.approx(time.time() - seconds, abs=60)
    assert window_of(text, ["web"]).excluded_clients == {"web"}


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5d", "30 days", "30d 2h"])
def test_other_texts_are_no_window(text: str) -> None:
    with pytest.raises(ValueError, match="is not a length of time; write a number with m, h, d or w, such as 30d"):
        window_of(text)


def test_a_percentage_is_a_share() -> None:
    assert [share_of(each) for each in ("0%", "0.1%", "100 %")] == [0.0, 0.001, 1.0]


@pytest.mark.parametrize("text", ["", "0.1", "101%", "-1%", "a%"])
def test_other_texts_are_no_percentage(text: str) -> None:
    with pytest.raises(ValueError, match="is not a percentage"):
        share_of(text)
