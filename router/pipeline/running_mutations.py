"""Runs mutations to their end: a client that disconnects must not stop a mutation between two of its root fields."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from router.request.request_and_response import Response


class RunningMutations:
    """The mutations of one gateway that are being executed."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Response]] = set()

    async def run(self, execution: Coroutine[object, object, Response]) -> Response:
        """Run a mutation to its end, even if the caller is cancelled."""
        task = asyncio.get_running_loop().create_task(execution)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def finish(self, seconds: float) -> None:
        """Wait until all running mutations have ended, at most `seconds`."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
