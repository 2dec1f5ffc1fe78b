from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from benchmarks.race.charts import WIDTH, Bar, bar_chart

SVG = "{http://www.w3.org/2000/svg}"


def parsed(*bars: Bar) -> ET.Element:
    return ET.fromstring(bar_chart("big <1>", "µs & less", bars))  # noqa: S314 - our own text


def widths(chart: ET.Element) -> list[float]:
    return [float(each.get("width", "")) for each in chart.iter(f"{SVG}rect")]


def test_bars_have_lengths_in_proportion() -> None:
    one, two = widths(parsed(Bar("a", 1, 1, 1, "1"), Bar("b", 4, 4, 4, "4")))
    assert two == pytest.approx(4 * one, rel=0.01)


def test_intervals_are_drawn_around_the_ends_of_bars() -> None:
    chart = parsed(Bar("a", 2, 1, 3, "2"))
    line = next(chart.iter(f"{SVG}line"))
    bar = next(chart.iter(f"{SVG}rect"))
    end = float(bar.get("x", "")) + float(bar.get("width", ""))
    assert float(line.get("x1", "")) < end < float(line.get("x2", ""))


def test_a_very_long_interval_does_not_shrink_the_bars() -> None:
    chart = parsed(Bar("a", 1, 0.1, 1e9, "1"))
    assert widths(chart)[0] > WIDTH / 4
    assert float(next(chart.iter(f"{SVG}line")).get("x2", "")) < WIDTH


def test_texts_are_escaped_and_described() -> None:
    chart = parsed(Bar("Ours & others", 1, 1, 1, "1 µs", is_ours=True))
    assert chart.findtext(f"{SVG}title") == "big <1>"
    assert chart.findtext(f"{SVG}desc") == "µs & less. Ours & others: 1 µs"
    assert next(chart.iter(f"{SVG}rect")).get("class") == "ours"


def test_no_values_no_chart() -> None:
    with pytest.raises(ValueError, match="positive values"):
        bar_chart("nothing", "µs", [])
    with pytest.raises(ValueError, match="positive values"):
        bar_chart("nothing", "µs", [Bar("a", 0, 0, 0, "0")])
