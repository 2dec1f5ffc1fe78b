"""Where generators take their choices from: a seed, hypothesis, or a recorded sequence.

Seeds are fast and evenly spread, for long runs; hypothesis explores and shrinks; a recorded sequence is what a failing
seed is shrunk by (`shrink`): shorter, and smaller where it cannot be shorter.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")


class Choices(Protocol):
    """The one primitive; 0 is the simplest choice."""

    def number(self, least: int, most: int) -> int: ...


class Seeded:
    """Choices that follow from a seed, and the record of them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.record: list[int] = []

    def number(self, least: int, most: int) -> int:
        chosen = self._random.randint(least, most)
        self.record.append(chosen - least)
        return chosen


class Replayed:
    """The choices of a sequence, fitted to what is asked; zeros after its end."""

    def __init__(self, sequence: Sequence[int]) -> None:
        self._sequence = iter(sequence)

    def number(self, least: int, most: int) -> int:
        return least + min(next(self._sequence, 0), most - least)


class Drawn:
    """Choices of hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def number(self, least: int, most: int) -> int:
        return self._draw(st.integers(least, most))


@st.composite
def drawn_choices(draw: st.DrawFn) -> Drawn:
    return Drawn(draw)


def often(choices: Choices, percent: int) -> bool:
    """True so many times in a hundred."""
    return choices.number(0, 99) >= 100 - percent


def pick(choices: Choices, options: Sequence[T]) -> T:
    return options[choices.number(0, len(options) - 1)]


def subset(choices: Choices, options: Iterable[T]) -> list[T]:
    """Some of the options, at least one."""
    remaining = list(options)
    return [remaining.pop(choices.number(0, len(remaining) - 1)) for _ in range(choices.number(1, len(remaining)))]


def shrink(sequence: Sequence[int], fails: Callable[[Sequence[int]], bool], *, attempts: int = 2000) -> list[int]:
    """A simpler sequence that still fails, after at most so many attempts."""
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
