"""Means of rounds and ratios between routers, with 95 % confidence intervals.

Times are positive and differ by factors, so means are geometric, and the intervals are Student's on the logarithms.
A ratio is computed within each round, because the routers of a round have seen the same noise.
"""

from __future__ import annotations

import math
from statistics import fmean, linear_regression, stdev
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

# The 97.5 % quantiles of Student's distribution for 1 to 30 degrees of freedom.
_STUDENT: Final = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
_NORMAL: Final = 1.96


class Estimate(NamedTuple):
    """A mean and its confidence interval. Of a single value, the interval is unknown: from 0 to infinity."""

    mean: float
    low: float
    high: float


def estimate(values: Sequence[float]) -> Estimate:
    """The geometric mean of positive values.

    Raises:
        ValueError: there is no value, or one is not positive.
    """
    if not values:
        raise ValueError("no values")
    logarithms = [math.log(each) for each in values]
    middle = fmean(logarithms)
    if len(values) == 1:
        return Estimate(math.exp(middle), 0.0, math.inf)
    freedom = len(values) - 1
    quantile = _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else _NORMAL
    half = quantile * stdev(logarithms) / math.sqrt(len(values))
    return Estimate(math.exp(middle), math.exp(middle - half), math.exp(middle + half))


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate:
    """The mean of the ratios of each round.

    Raises:
        ValueError: the numbers of rounds differ, or a value is not positive.
    """
    return estimate([one / two for one, two in zip(numerators, denominators, strict=True)])


def growth_exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The slope of a line through the logarithms: 1 if the cost is proportional to the size.

    Raises:
        ValueError: there are fewer than two sizes, or a value is not positive.
    """
    return linear_regression([math.log(each) for each in sizes], [math.log(each) for each in costs]).slope
