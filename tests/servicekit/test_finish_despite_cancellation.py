from __future__ import annotations

import asyncio

import pytest

from servicekit.finish_despite_cancellation import to_the_end


async def test_work_of_several_steps_is_done_to_its_end_although_the_caller_is_cancelled() -> None:
    begun, may_end, steps = asyncio.Event(), asyncio.Event(), list[str]()

    async def work() -> None:
        steps.append("ended the session")
        begun.set()
        await may_end.wait()
        steps.append("revoked its tokens")

    caller = asyncio.create_task(to_the_end(work()))
    await begun.wait()
    caller.cancel()
    await asyncio.sleep(0)
    assert not caller.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert steps == ["ended the session", "revoked its tokens"]


async def test_the_result_and_the_error_of_the_work_are_those_of_the_call() -> None:
    async def seven() -> int:
        return 7

    async def failing() -> int:
        raise LookupError

    assert await to_the_end(seven()) == 7
    with pytest.raises(LookupError):
        await to_the_end(failing())
