"""Permits are given in order of arrival, and none is lost when a waiting caller is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from servicekit.http1.fair_permits import FairPermits


async def holder(permits: FairPermits, name: str, order: list[str]) -> None:
    if not permits.take():
        await permits.wait()
    order.append(name)


async def waiting(permits: FairPermits, *names: str) -> tuple[list[str], list[asyncio.Task[None]]]:
    """Start a task for each name, and let all of them wait."""
    order: list[str] = []
    tasks = [asyncio.create_task(holder(permits, name, order)) for name in names]
    await asyncio.sleep(0)
    assert order == []
    return order, tasks


async def test_a_free_permit_is_taken_at_once() -> None:
    permits = FairPermits(2)
    assert [permits.take() for _ in range(3)] == [True, True, False]
    permits.release()
    assert permits.take()


async def test_permits_are_given_in_order_of_arrival() -> None:
    permits = FairPermits(1)
    assert permits.take()
    order, tasks = await waiting(permits, "first", "second")
    permits.release()
    assert not permits.take(), "the permit belongs to the first waiting caller"
    permits.release()
    await asyncio.gather(*tasks)
    assert order == ["first", "second"]


async def test_a_cancelled_caller_gets_no_permit() -> None:
    permits = FairPermits(1)
    assert permits.take()
    order, (first, second) = await waiting(permits, "first", "second")
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    permits.release()
    await second
    assert order == ["second"]
    permits.release()
    assert permits.take()


async def test_a_permit_given_to_a_caller_that_is_cancelled_goes_to_the_next() -> None:
    permits = FairPermits(1)
    assert permits.take()
    order, (first, second) = await waiting(permits, "first", "second")
    permits.release()
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert first.cancelled()
    assert order == ["second"]


async def test_a_caller_that_is_cancelled_before_a_release_is_skipped() -> None:
    permits = FairPermits(1)
    assert permits.take()
    order, (first, second) = await waiting(permits, "first", "second")
    first.cancel()
    permits.release()  # the cancelled task has not run yet
    await asyncio.gather(first, second, return_exceptions=True)
    assert order == ["second"]
