"""Reads that wait for each other share a command, and an error or a cancellation reaches only those concerned.

Covers `subgraphs/kit/batched_reads.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from servicekit.errors import StoreFailure
from subgraphs.kit import batched_reads
from subgraphs.kit.batched_reads import BatchedReads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONG = 60.0


class Squares:
    """Reads the squares of numbers. There are none of negative numbers. Each read waits until it is let through."""

    def __init__(self) -> None:
        self.reads: list[list[int]] = []
        self.begun = asyncio.Event()
        self.let_through = asyncio.Event()
        self.failure: Exception | None = None

    async def read(self, numbers: Sequence[int]) -> Mapping[int, int]:
        self.reads.append(list(numbers))
        self.begun.set()
        await self.let_through.wait()
        if self.failure is not None:
            raise self.failure
        return {number: number * number for number in numbers if number >= 0}


async def test_callers_that_arrive_during_a_read_share_the_next_one() -> None:
    squares = Squares()
    reads = BatchedReads(squares.read, LONG)
    first = asyncio.create_task(reads.get([2, -1]))
    await squares.begun.wait()
    others = [asyncio.create_task(reads.get(numbers)) for numbers in ([3], [3, 4], [5])]
    await asyncio.sleep(0)
    squares.let_through.set()
    assert await first == {2: 4}
    assert await asyncio.gather(*others) == [{3: 9}, {3: 9, 4: 16}, {5: 25}]
    assert squares.reads == [[2, -1], [3, 4, 5]]


async def test_without_keys_nothing_is_read() -> None:
    squares = Squares()
    assert await BatchedReads(squares.read, LONG).get([]) == {}
    assert squares.reads == []


async def test_a_read_has_a_limited_number_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batched_reads, "MAX_KEYS", 2)
    squares = Squares()
    squares.let_through.set()
    reads = BatchedReads(squares.read, LONG)
    found = await asyncio.gather(*(reads.get([number]) for number in range(5)))
    assert found == [{number: number * number} for number in range(5)]
    assert squares.reads == [[0, 1], [2, 3], [4]]


async def test_an_error_reaches_every_caller_of_the_read_and_no_other() -> None:
    squares = Squares()
    squares.failure = StoreFailure("the server is gone")
    squares.let_through.set()
    reads = BatchedReads(squares.read, LONG)
    failures = await asyncio.gather(reads.get([1]), reads.get([2]), return_exceptions=True)
    assert [getattr(failure, "explanation", None) for failure in failures] == ["the server is gone"] * 2
    assert failures[0] is not failures[1]
    squares.failure = None
    assert await reads.get([3]) == {3: 9}


async def test_a_cancelled_caller_takes_no_other_with_it() -> None:
    squares = Squares()
    reads = BatchedReads(squares.read, LONG)
    first, second = asyncio.create_task(reads.get([1])), asyncio.create_task(reads.get([2]))
    await squares.begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    squares.let_through.set()
    assert await second == {2: 4}


async def test_a_caller_does_not_wait_longer_than_its_time_for_earlier_reads() -> None:
    squares = Squares()
    reads = BatchedReads(squares.read, seconds=0)
    first = asyncio.create_task(reads.get([1]))
    await squares.begun.wait()
    with pytest.raises(StoreFailure):
        await reads.get([2])
    squares.let_through.set()
    assert await first == {1: 1}
