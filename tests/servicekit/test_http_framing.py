"""The bytes of a chunked body that are not content."""

from __future__ import annotations

from servicekit.http_framing import FramingBudget


def test_framing_beyond_the_limit_exceeds_the_budget() -> None:
    budget = FramingBudget(100)
    seen = []
    budget.read(100)
    seen.append(budget.is_exceeded)
    budget.read(1)
    seen.append(budget.is_exceeded)
    budget.begin()
    seen.append(budget.is_exceeded)
    assert seen == [False, True, False]


def test_content_does_not_count() -> None:
    budget = FramingBudget(100)
    budget.read(10_000)
    budget.content(9_900)
    assert not budget.is_exceeded


def test_the_framing_of_small_chunks_is_allowed() -> None:
    budget = FramingBudget(0)
    for _ in range(1_000):
        budget.read(len(b"1\r\nx\r\n"))
        budget.chunk()
        budget.content(1)
    assert not budget.is_exceeded
