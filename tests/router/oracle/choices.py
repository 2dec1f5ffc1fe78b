"""The sources of choices for generators: a seed, Hypothesis, or a recorded sequence.

Seeds are fast and evenly spread, for long runs. Hypothesis explores and shrinks. A recorded sequence replays the
choices of a failing seed; `shrink` makes it shorter, and its numbers smaller.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")


class Choices(Protocol):
    """A source of choices. The least number is the simplest choice."""

    def number(self, least: int, most: int) -> int: ...


class SeededChoices:
    """Choices from a seed. `record` has the choices so far."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.record: list[int] = []

    def number(self, least: int, most: int) -> int:
        chosen = self._random.randint(least, most)
        self.record.append(chosen - least)
        return chosen


class ReplayedChoices:
    """Choices from a sequence, limited to the allowed range; zeros after its end."""

    def __init__(self, sequence: Sequence[int]) -> None:
        self._sequence = iter(sequence)

    def number(self, least: int, most: int) -> int:
        return least + min(next(self._sequence, 0), most - least)


class HypothesisChoices:
    """Choices from Hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def number(self, least: int, most: int) -> int:
        return self._draw(st.integers(least, most))


@st.composite
def hypothesis_choices(draw: st.DrawFn) -> HypothesisChoices:
    return HypothesisChoices(draw)


def chance(choices: Choices, percent: int) -> bool:
    """True in so many of a hundred cases."""
    return choices.number(0, 99) >= 100 - percent


def pick(choices: Choices, options: Sequence[T]) -> T:
    return options[choices.number(0, len(options) - 1)]


def subset(choices: Choices, options: Iterable[T]) -> list[T]:
    """Some of the options, at least one."""
    remaining = list(options)
    return [remaining.pop(choices.number(0, len(remaining) - 1)) for _ in range(choices.number(1, len(remaining)))]


def shrink(sequence: Sequence[int], fails: Callable[[Sequence[int]], bool], *, attempts: int = 2000) -> list[int]:
    """Find a simpler sequence that still fails, with at most so many attempts."""
    best, tried = list(sequence), 0
    progress = True
    while progress and tried < attempts:
        progress = False
        for candidate in _simpler(best):
            tried += 1
            if tried >= attempts:
                break
            if fails(candidate):
                best, progress = candidate, True
                break
    return best


def _simpler(sequence: list[int]) -> Iterator[list[int]]:
    size = len(sequence) // 2
    while size:
        for start in range(0, len(sequence), size):
            yield sequence[:start] + sequence[start + size :]
        size //= 2
    for size in (16, 4, 1):
        for start in range(0, len(sequence), size):
            if any(sequence[start : start + size]):
                yield [*sequence[:start], *[0] * size, *sequence[start + size :]][: len(sequence)]
    for index, value in enumerate(sequence):
        if value > 1:
            yield [*sequence[:index], value // 2, *sequence[index + 1 :]]
