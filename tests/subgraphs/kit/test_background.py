from __future__ import annotations

import asyncio

import pytest

from subgraphs.kit.background import every, in_background, repeat


async def test_a_step_that_fails_is_followed_by_the_next() -> None:
    steps = list[int]()

    async def step() -> None:
        steps.append(len(steps))
        if len(steps) == 1:
            raise RuntimeError

    async def wait() -> None:
        if len(steps) == 3:
            raise LookupError  # ends the test; a wait does not fail

    with pytest.raises(LookupError):
        await repeat(step, wait)
    assert steps == [0, 1, 2]


async def test_the_work_ends_with_the_block() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await every(3600)()
        finally:
            ended.set()

    async with in_background(work()):
        await started.wait()
        assert not ended.is_set()
    assert ended.is_set()
