from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from router.transport.http1.connection import RawResponse
from router.transport.layers.deduplication import InFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ANSWER = RawResponse(200, {}, b"{}")


class Upstream:
    """Counts exchanges, and answers when it is let."""

    def __init__(self) -> None:
        self.begun = 0
        self.release = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self) -> RawResponse:
        self.begun += 1
        await self.release.wait()
        if self.failure is not None:
            raise self.failure
        return ANSWER


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


async def started(*exchanges: Awaitable[RawResponse]) -> list[asyncio.Task[RawResponse]]:
    """All of them, each as far as it comes without an answer."""
    tasks = [asyncio.ensure_future(exchange) for exchange in exchanges]
    await asyncio.sleep(0)
    return tasks


async def test_the_same_at_once_is_begun_once(upstream: Upstream) -> None:
    flight = InFlight()
    tasks = await started(*(flight.exchange("k", upstream) for _ in range(5)))
    upstream.release.set()
    assert await asyncio.gather(*tasks) == [ANSWER] * 5
    assert (upstream.begun, flight.shared) == (1, 4)


async def test_others_and_later_ones_are_begun(upstream: Upstream) -> None:
    flight = InFlight()
    upstream.release.set()
    await asyncio.gather(flight.exchange("a", upstream), flight.exchange("b", upstream))
    await flight.exchange("a", upstream)
    assert (upstream.begun, flight.shared) == (3, 0)


async def test_a_failure_is_shared_too(upstream: Upstream) -> None:
    flight = InFlight()
    tasks = await started(*(flight.exchange("k", upstream) for _ in range(3)))
    upstream.failure = OSError("reset")
    upstream.release.set()
    assert await asyncio.gather(*tasks, return_exceptions=True) == [upstream.failure] * 3
    assert upstream.begun == 1
    upstream.failure = None
    assert await flight.exchange("k", upstream) == ANSWER


async def test_one_that_waits_may_leave(upstream: Upstream) -> None:
    flight = InFlight()
    first, second, third = await started(*(flight.exchange("k", upstream) for _ in range(3)))
    second.cancel()
    upstream.release.set()
    assert [await first, await third] == [ANSWER] * 2
    assert second.cancelled()
    assert upstream.begun == 1


async def test_when_the_one_that_runs_it_leaves_another_begins_anew(upstream: Upstream) -> None:
    flight = InFlight()
    first, second, third = await started(*(flight.exchange("k", upstream) for _ in range(3)))
    first.cancel()
    while upstream.begun < 2:
        await asyncio.sleep(0)
    upstream.release.set()
    assert [await second, await third] == [ANSWER] * 2
    assert first.cancelled()
    assert upstream.begun == 2


async def test_when_all_leave_nothing_is_left_behind() -> None:
    hanging: Callable[[], Awaitable[RawResponse]] = asyncio.Event().wait  # type: ignore[assignment]  # never returns
    flight = InFlight()
    tasks = await started(*(flight.exchange("k", hanging) for _ in range(3)))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await flight.exchange("k", _at_once) == ANSWER


async def _at_once() -> RawResponse:
    return ANSWER
