"""The control channel between supervisor and worker, both ends in this process."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from router.lifecycle.supervisor_channel import Channel, WorkerGone, serve_supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from router.lifecycle.admin_port import JsonObject


class Worker:
    """Answers `status` at once, `reload` when it is released."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.orphaned = asyncio.Event()

    async def status(self) -> Sequence[JsonObject]:
        return [{"ready": True}]

    async def reload(self) -> Sequence[JsonObject]:
        await self.released.wait()
        return [{"result": "reloaded"}]

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[Channel]:
        """The supervisor's end, while the worker's is open."""
        ours, theirs = socket.socketpair()
        channel = await Channel.over(ours)
        answers = {"status": self.status, "reload": self.reload}
        async with asyncio.timeout(30), serve_supervisor(theirs, answers, self.orphaned.set):
            await channel.hello
            yield channel
        await channel.aclose()


async def test_a_worker_reports_its_status_during_a_reload() -> None:
    worker = Worker()
    async with worker.asked() as channel:
        reload = asyncio.create_task(channel.request("reload"))
        assert await channel.request("status") == [{"ready": True}]
        assert not reload.done()
        worker.released.set()
        assert await reload == [{"result": "reloaded"}]


async def test_a_request_fails_when_the_worker_ends() -> None:
    worker = Worker()
    async with worker.asked() as channel:
        reload = asyncio.create_task(channel.request("reload"))
        await channel.request("status")
    with pytest.raises(WorkerGone):
        await reload


async def test_a_worker_notices_the_end_of_its_supervisor_also_during_a_reload() -> None:
    worker = Worker()
    async with worker.asked() as channel:
        reload = asyncio.create_task(channel.request("reload"))
        await channel.request("status")
        await channel.aclose()
        await worker.orphaned.wait()
        with pytest.raises(WorkerGone):
            await reload


async def test_a_worker_notices_the_end_of_a_supervisor_that_read_nothing() -> None:
    """The system then resets the connection. The worker went on for ever."""
    worker = Worker()
    ours, theirs = socket.socketpair()
    async with asyncio.timeout(30), serve_supervisor(theirs, {}, worker.orphaned.set):
        # The hello has arrived and is not read.
        await asyncio.to_thread(ours.recv, 1, socket.MSG_PEEK)
        ours.close()
        await worker.orphaned.wait()
