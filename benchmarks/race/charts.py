"""Bar charts as SVG: readable in light and dark, as text for screen readers, and without any program to draw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 760
_NAMESPACE: Final = "http://www.w3.org/2000/svg"
_LABEL: Final = 210
_VALUE: Final = 130
_ROW: Final = 30
_TOP: Final = 56
_STYLE: Final = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 16px; }
  .unit { fill: #59636e; }
  .bar { fill: #8c959f; }
  .ours { fill: #0969da; }
  .interval { stroke: #1f2328; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .unit { fill: #9198a1; }
    .bar { fill: #656c76; }
    .ours { fill: #4493f8; }
    .interval { stroke: #f0f6fc; }
  }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its confidence interval and the text of its value."""

    label: str
    value: float
    low: float
    high: float
    text: str
    is_ours: bool = False


def bar_chart(title: str, unit: str, bars: Sequence[Bar]) -> str:
    """A chart with one bar below the other, in the order given. The scale begins at zero.

    Raises:
        ValueError: there is no bar, or a value is not positive.
    """
    if not bars or min(each.value for each in bars) <= 0:
        raise ValueError("a chart needs positive values")
    height = _TOP + _ROW * len(bars) + 12
    # A single interval that is far longer than the bars must not make them unreadable.
    longest = min(max(each.high for each in bars), 1.3 * max(each.value for each in bars))
    scale = (WIDTH - _LABEL - _VALUE) / longest
    described = "; ".join(f"{each.label}: {each.text}" for each in bars)
    lines = [
        f'<svg xmlns="{_NAMESPACE}" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title what">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="what">{escape(unit)}. {escape(described)}</desc>',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="0" y="20">{escape(title)}</text>',
        f'<text class="unit" x="0" y="40">{escape(unit)}</text>',
    ]
    for index, each in enumerate(bars):
        lines += _bar(each, _TOP + index * _ROW, scale, longest)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _bar(bar: Bar, top: int, scale: float, longest: float) -> list[str]:
    middle = top + _ROW / 2 - 3
    style = "ours" if bar.is_ours else "bar"
    low, high = (_LABEL + min(each, longest) * scale for each in (bar.low, bar.high))
    end = _LABEL + bar.value * scale
    return [
        f'<text x="0" y="{middle + 5:g}">{escape(bar.label)}</text>',
        f'<rect class="{style}" x="{_LABEL}" y="{top}" width="{max(end - _LABEL, 1):.1f}" height="{_ROW - 8}" rx="2"/>',
        f'<line class="interval" x1="{low:.1f}" y1="{middle:g}" x2="{high:.1f}" y2="{middle:g}"/>',
        f'<text x="{max(high, end) + 8:.1f}" y="{middle + 5:g}">{escape(bar.text)}</text>',
    ]
