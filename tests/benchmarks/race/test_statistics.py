from __future__ import annotations

import math

import pytest

from benchmarks.race.statistics import estimate, growth_exponent, ratio


def test_the_mean_is_geometric() -> None:
    assert estimate([1.0, 4.0, 16.0]).mean == pytest.approx(4.0)


def test_the_interval_is_students() -> None:
    # Of the logarithms 0, 1, 2: mean 1, standard deviation 1, and 4.303 for two degrees of freedom.
    found = estimate([1.0, math.e, math.e**2])
    assert math.log(found.high) == pytest.approx(1 + 4.303 / math.sqrt(3))
    assert math.log(found.low) == pytest.approx(1 - 4.303 / math.sqrt(3))


def test_the_interval_of_many_values_uses_the_normal_distribution() -> None:
    values = [1.0, math.e] * 50
    deviation = 0.5 * math.sqrt(100 / 99)
    assert math.log(estimate(values).high) == pytest.approx(0.5 + 1.96 * deviation / 10)


def test_one_value_has_no_interval() -> None:
    assert tuple(estimate([3.0])) == pytest.approx((3.0, 0.0, math.inf))


@pytest.mark.parametrize("values", [[], [1.0, 0.0], [-1.0]])
def test_what_has_no_geometric_mean_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"no values|math domain error|expected a positive input"):
        estimate(values)


def test_a_ratio_is_computed_within_each_round() -> None:
    """The second round was three times as slow for both, so the ratio is certain."""
    found = ratio([2.0, 6.0], [1.0, 3.0])
    assert tuple(found) == pytest.approx((2.0, 2.0, 2.0))


def test_rounds_of_different_numbers_have_no_ratio() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        ratio([1.0], [1.0, 2.0])


def test_growth() -> None:
    assert growth_exponent([1, 10, 100], [5, 50, 500]) == pytest.approx(1.0)
    assert growth_exponent([1, 4], [3, 48]) == pytest.approx(2.0)
