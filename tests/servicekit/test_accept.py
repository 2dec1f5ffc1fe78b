from __future__ import annotations

import pytest

from servicekit.accept import parse_accept, parse_value


def test_values_stand_in_the_order_of_the_header() -> None:
    parsed = parse_accept("Text/HTML;level=1, */* ; q=0.1,, br")
    assert [(each.value, dict(each.parameters), each.quality) for each in parsed] == [
        ("text/html", {"level": "1"}, 1.0),
        ("*/*", {"q": "0.1"}, 0.1),
        ("br", {}, 1.0),
    ]


@pytest.mark.parametrize("header", [None, "", " ", ","])
def test_without_values_there_are_none(header: str | None) -> None:
    assert parse_accept(header) == []


@pytest.mark.parametrize(
    ("text", "quality"),
    [("a", 1), ("a;q=0", 0), ("a; Q = 0.25", 0.25), ("a;q=7", 1), ("a;q=-1", 0), ("a;q=x", 0), ("a;q", 0)],
)
def test_a_quality_is_between_0_and_1(text: str, quality: float) -> None:
    assert parse_value(text).quality == quality


def test_the_values_of_parameters_stay_as_sent() -> None:
    assert parse_value('Application/JSON; Charset="UTF-8"').parameters == {"charset": '"UTF-8"'}
