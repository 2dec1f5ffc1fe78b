from __future__ import annotations

import asyncio
import threading

import pytest

from servicekit.bounded_threads import BoundedThreads, available_cores
from servicekit.errors import Unavailable


class Work:
    """Calls that last until `finish`; counts those that began and that ran at once."""

    def __init__(self) -> None:
        self._end = threading.Event()
        self._lock = threading.Lock()
        self.began = 0
        self.running = 0
        self.most = 0

    def __call__(self) -> str:
        with self._lock:
            self.began += 1
            self.running += 1
            self.most = max(self.most, self.running)
        self._end.wait(30)
        with self._lock:
            self.running -= 1
        return "done"

    def finish(self) -> None:
        self._end.set()

    async def have_begun(self, calls: int) -> None:
        async with asyncio.timeout(30):
            while self.began < calls:
                await asyncio.sleep(0.001)


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_as_many_calls_run_as_there_are_threads_and_the_rest_waits() -> None:
    work = Work()
    with BoundedThreads(2, 3, name="test") as pool:
        calls = [asyncio.create_task(pool.run(work)) for _ in range(5)]
        await work.have_begun(2)
        assert pool.waiting == 3
        work.finish()
        assert await asyncio.gather(*calls) == ["done"] * 5
    assert work.most == 2


async def test_a_call_beyond_the_queue_is_refused_at_once() -> None:
    work = Work()
    with BoundedThreads(1, 1, name="test") as pool:
        calls = [asyncio.create_task(pool.run(work)) for _ in range(2)]
        await turns(3)
        with pytest.raises(Unavailable) as caught:
            await pool.run(work)
        assert caught.value.details == {"retryAfter": 1}
        work.finish()
        await asyncio.gather(*calls)
        assert await pool.run(work) == "done"


async def test_the_work_of_a_caller_that_left_the_queue_is_never_started() -> None:
    work = Work()
    with BoundedThreads(1, 10, name="test") as pool:
        first = asyncio.create_task(pool.run(work))
        await work.have_begun(1)
        leaving = [asyncio.create_task(pool.run(work)) for _ in range(10)]
        await turns(3)
        assert pool.waiting == 10
        for call in leaving:
            call.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        assert pool.waiting == 0
        work.finish()
        await first
        assert await pool.run(work) == "done"
    assert work.began == 2


async def test_a_running_call_keeps_its_slot_when_its_caller_leaves() -> None:
    work = Work()
    with BoundedThreads(1, 10, name="test") as pool:
        leaving = asyncio.create_task(pool.run(work))
        await work.have_begun(1)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        after = asyncio.create_task(pool.run(work))
        await turns(10)
        assert work.began == 1
        work.finish()
        assert await after == "done"
    assert work.most == 1


async def test_an_error_of_the_work_is_that_of_the_call() -> None:
    def fails() -> None:
        raise ValueError("on purpose")

    with BoundedThreads(1, 0, name="test") as pool:
        for _ in range(3):
            with pytest.raises(ValueError, match="on purpose"):
                await pool.run(fails)
            await turns(3)


def test_there_is_a_core() -> None:
    assert available_cores() >= 1
