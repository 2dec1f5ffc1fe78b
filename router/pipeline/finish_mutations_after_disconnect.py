"""Runs each mutation to its end, even if the client disconnects.

If the disconnect stopped the mutation, some of its root fields would be executed and others not.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from router.request.request_and_response import Response

MUTATION_GRACE_SECONDS: Final = 1.0
"""The default number of seconds that `Gateway.aclose` waits for running mutations. One fetch takes about this time."""


class RunningMutations:
    """Runs the mutations of one gateway, and can wait for the mutations that are still running."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Response]] = set()

    async def run(self, execution: Coroutine[object, object, Response]) -> Response:
        """Run a mutation and return its response. If the caller is cancelled, the mutation is still run to its end."""
        task = asyncio.get_running_loop().create_task(execution)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def finish(self, seconds: float) -> None:
        """Wait until all running mutations have ended, but not longer than `seconds`."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
