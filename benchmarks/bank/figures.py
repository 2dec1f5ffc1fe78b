"""A measured figure with the bound that it should keep, and the table of all figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_COLUMNS: Final = "{:58} {:>10} {:>12}  {}"


class Figure(NamedTuple):
    """One measured number.

    Attributes:
        unit: the unit of `value` and of the bounds, such as `ms`.
        least: the value should be at least this; None without such a bound.
        most: the value should be at most this; None without such a bound.
    """

    name: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def is_kept(self) -> bool | None:
        """Whether the value keeps its bounds. None if there are none."""
        if self.least is None and self.most is None:
            return None
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def bound(self) -> str:
        """The bounds as text; empty if there are none."""
        least = "" if self.least is None else f">= {self.least:g}"
        return least if self.most is None else f"{least}<= {self.most:g}"


def print_figures(figures: Iterable[Figure]) -> None:
    """Print one line for each figure, when it is measured."""
    click.echo(_COLUMNS.format("figure", "measured", "bound", ""))
    words = {None: "", True: "kept", False: "missed"}
    for figure in figures:
        measured = f"{figure.value:.4g} {figure.unit}"
        click.echo(_COLUMNS.format(figure.name, measured, figure.bound, words[figure.is_kept]))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least the `share` of all values does not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def log_log_slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the regression line through the points on logarithmic axes: 0 is flat, 1 is linear."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
