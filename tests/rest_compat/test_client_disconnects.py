"""Work ends when its client leaves. Covers `servicekit/client_disconnects.py`; the subgraphs test its deadline."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from starlette.requests import ClientDisconnect

from rest_compat.client_disconnects import while_connected
from tests.reference_cycles import reference_cycles

if TYPE_CHECKING:
    from servicekit.asgi import Message


class Connection:
    """The receiving side of a request without a body."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self._begun = False

    async def receive(self) -> Message:
        if not self._begun:
            self._begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}


async def test_the_result_and_the_error_of_the_work_are_passed_on() -> None:
    async def works() -> int:
        return 7

    async def fails() -> None:
        raise ValueError("no")

    assert await while_connected(Connection().receive, works()) == 7
    with pytest.raises(ValueError, match="no"):
        await while_connected(Connection().receive, fails())


async def test_work_is_cancelled_when_the_client_leaves() -> None:
    connection, cancelled = Connection(), asyncio.Event()

    async def works() -> None:
        connection.left.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(ClientDisconnect):
        await while_connected(connection.receive, works())
    assert cancelled.is_set()


async def test_cancelling_the_request_cancels_the_work() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def works() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    request = asyncio.ensure_future(while_connected(Connection().receive, works()))
    await started.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert cancelled.is_set()


async def test_failed_work_leaves_no_reference_cycles() -> None:
    class Failed(Exception):
        pass

    async def fails() -> None:
        await asyncio.sleep(0)  # until the client is watched
        raise Failed

    async def failure() -> None:
        with suppress(Failed):
            await while_connected(Connection().receive, fails())

    with reference_cycles(__name__) as left:
        await failure()
    assert left == {}
