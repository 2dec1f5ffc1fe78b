from __future__ import annotations

import asyncio

import pytest

from subgraphs.kit import background
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


async def test_work_that_swallows_a_cancellation_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop of the auth service waited forever for a check of the list in Redis."""
    monkeypatch.setattr(background, "CANCEL_SECONDS", 0.01)
    started, swallowed = asyncio.Event(), list[str]()

    async def work() -> None:
        while len(swallowed) < 2:
            try:
                started.set()
                await every(3600)()
            except asyncio.CancelledError:
                swallowed.append("cancelled")
        await every(3600)()

    async with asyncio.timeout(60), in_background(work()):
        await started.wait()
    assert len(swallowed) == 2
