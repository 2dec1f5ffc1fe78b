"""A time limit ends what is inside it, as `asyncio.timeout_at` does."""

from __future__ import annotations

import asyncio

import pytest

from servicekit.time_limit import TimeLimit


def in_seconds(seconds: float) -> TimeLimit:
    return TimeLimit(asyncio.get_running_loop().time() + seconds)


async def test_what_takes_too_long_is_ended() -> None:
    with pytest.raises(TimeoutError), in_seconds(0.01):
        await asyncio.Event().wait()
    await asyncio.sleep(0)  # the task is not cancelled any more


async def test_a_deadline_in_the_past_ends_the_first_wait() -> None:
    with pytest.raises(TimeoutError), in_seconds(-1):
        await asyncio.Event().wait()


async def test_what_ends_in_time_is_not_changed() -> None:
    loop = asyncio.get_running_loop()
    deadline, later = loop.time() + 0.01, loop.create_future()
    with TimeLimit(deadline):
        await asyncio.sleep(0)
    loop.call_at(deadline, later.set_result, None)
    await later  # the time of the deadline passes without a cancellation


async def test_an_exception_inside_is_not_replaced() -> None:
    with pytest.raises(ValueError, match="inside"), in_seconds(10):
        raise ValueError("inside")


async def test_a_cancellation_by_another_task_goes_on() -> None:
    entered = asyncio.Event()

    async def work() -> None:
        with in_seconds(10):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_outer_of_two_limits_ends_both() -> None:
    reached: list[str] = []

    async def work() -> None:
        with in_seconds(0.01):
            try:
                with in_seconds(10):
                    await asyncio.Event().wait()
            except TimeoutError:
                reached.append("inner")

    with pytest.raises(TimeoutError):
        await work()
    assert reached == []


async def test_a_cancellation_at_the_same_time_as_the_deadline_goes_on() -> None:
    loop = asyncio.get_running_loop()

    async def work() -> None:
        with TimeLimit(loop.time()):
            task = asyncio.current_task()
            assert task is not None
            loop.call_soon(task.cancel)
            await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(work())


def test_a_limit_needs_a_task() -> None:
    with pytest.raises(RuntimeError), TimeLimit(0.0):
        pass
