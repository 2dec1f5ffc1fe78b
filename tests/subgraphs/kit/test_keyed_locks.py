"""Locks by key: callers with a common key wait for each other, others do not, and unused locks are forgotten."""

from __future__ import annotations

import asyncio

import pytest

from subgraphs.kit.keyed_locks import KeyedLocks


async def test_callers_with_a_common_key_follow_one_another() -> None:
    locks, inside = KeyedLocks(), []

    async def work(name: str, keys: list[str]) -> None:
        async with locks.hold(keys):
            inside.append(f"{name} begins")
            await asyncio.sleep(0)
            inside.append(f"{name} ends")

    async with asyncio.timeout(5):
        await asyncio.gather(work("one", ["a", "b", "a"]), work("two", ["b", "a"]))
    assert inside == ["one begins", "one ends", "two begins", "two ends"]
    assert len(locks) == 0


async def test_callers_with_other_keys_do_not_wait() -> None:
    locks = KeyedLocks()
    async with asyncio.timeout(5), locks.hold(["a"]), locks.hold(["b"]):
        assert len(locks) == 2


async def test_a_caller_that_leaves_while_it_waits_keeps_nothing() -> None:
    locks = KeyedLocks()
    async with locks.hold(["b"]):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), locks.hold(["a", "b"]):
                raise AssertionError("the lock of b is held")
        async with asyncio.timeout(5), locks.hold(["a"]):
            pass
    assert len(locks) == 0
