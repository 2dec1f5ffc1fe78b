"""What every `RevocationList` promises; the test module of a list inherits these tests and provides `lists`."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from bank.revocation import RevocationList

    OpenList = Callable[[], AbstractAsyncContextManager[RevocationList]]


def later(seconds: float = 600.0) -> float:
    return time.time() + seconds


class RevocationContract:
    """`open_list` opens the same list, which is complete, again for each call."""

    async def test_a_revoked_session_is_revoked_for_every_connection_at_once(self, open_list: OpenList) -> None:
        async with open_list() as writer, open_list() as reader:
            assert not await reader.is_revoked("s1")
            await writer.revoke("s1", later())
            assert await reader.is_revoked("s1")
            assert await writer.is_revoked("s1")
            assert not await reader.is_revoked("s2")

    async def test_the_list_outlives_its_process(self, open_list: OpenList) -> None:
        async with open_list() as first:
            await first.revoke("s1", later())
        async with open_list() as second:
            assert await second.is_revoked("s1")

    async def test_a_session_may_be_revoked_again(self, open_list: OpenList) -> None:
        async with open_list() as listed:
            for seconds in (600, 1200, 300):
                await listed.revoke("s1", later(seconds))
            assert await listed.is_revoked("s1")

    async def test_many_sessions_may_end_at_the_same_time(self, open_list: OpenList) -> None:
        async with open_list() as one, open_list() as other:
            await asyncio.gather(*((one, other)[n % 2].revoke(f"s{n}", later()) for n in range(40)))
            assert all(await asyncio.gather(*((other, one)[n % 2].is_revoked(f"s{n}") for n in range(40))))
            assert not any(await asyncio.gather(*(one.is_revoked(f"t{n}") for n in range(40))))

    @pytest.mark.parametrize("session_id", ["", "*", "a b\r\nc", "\0", "é" * 500])
    async def test_any_text_is_an_id(self, open_list: OpenList, session_id: str) -> None:
        async with open_list() as listed:
            assert not await listed.is_revoked(session_id)
            await listed.revoke(session_id, later())
            assert await listed.is_revoked(session_id)
            assert not await listed.is_revoked(f"{session_id}!")
