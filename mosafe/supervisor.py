"""Runs several processes together: it starts all, waits until all are ready, and stops all in reverse order.

A process may depend on the processes that were started before it. So the processes are stopped in reverse order, and
each gets time to finish its requests before the next one is stopped:

```
SIGTERM ──> rest drains, ends ──> router drains, ends ──> transaction ... ──> account ──> auth
            └── at most CHILD_SECONDS each, STOP_SECONDS together; then SIGKILL ─────────────┘
```

Each child runs in its own session (`setsid`). So Ctrl-C in the terminal reaches only the supervisor, which then stops
the children. Each child inherits the reading end of a pipe whose writing end the supervisor holds. If the supervisor is
killed, the pipe ends, and each child notices this and stops (`servicekit.server`).
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# How long one child may take to stop. In this time, a child refuses new requests, finishes running requests
# (MOSAFE_SHUTDOWN_SECONDS, default 8) and cleans up.
CHILD_SECONDS: Final = 9.5
# How long all children together may take to stop. Shortly before the end of this time, all children that are still
# running are stopped at the same time.
STOP_SECONDS: Final = 20.0
LAST_SECONDS: Final = 2.0
# How long all children together may take to become ready. On a busy machine, the start of five interpreters at the same
# time took 40 seconds. The time can be long, because a child that fails ends by itself and is noticed at once.
READY_SECONDS: Final = 90.0
POLL_SECONDS: Final = 0.05
LAST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to run.

    Attributes:
        name: the name in the log.
        arguments: the command line.
        ready_url: responds with 200 once the process is ready.
        environ: its environment variables; the supervisor adds `MOSAFE_PARENT_PIPE`.
    """

    name: str
    arguments: Sequence[str]
    ready_url: str
    environ: Mapping[str, str]


@dataclass(slots=True)
class Child:
    """A running process."""

    spec: ChildSpec
    process: asyncio.subprocess.Process
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    reader: asyncio.Task[None] | None = None


class ChildDied(Exception):
    """A child ended although the supervisor did not stop it."""

    def __init__(self, child: Child) -> None:
        self.child = child
        super().__init__(f"{child.spec.name} ended with exit code {child.process.returncode}")


class ChildrenNotReady(Exception):
    """Some children did not become ready in time."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"not ready after {READY_SECONDS:g} s: {', '.join(names)}")


class Supervisor:
    """Starts the children, and stops all of them at the end of its block. It is an asynchronous context manager."""

    def __init__(self, write_line: Callable[[str, str], None]) -> None:
        """`write_line` is called for each line that a child writes, with the child's name and the line."""
        self._write_line = write_line
        self._children: list[Child] = []
        self._read_end, self._write_end = os.pipe()
        self._kill = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._stop()
        os.close(self._write_end)
        os.close(self._read_end)

    def kill(self) -> None:
        """End all children immediately, without waiting for their requests."""
        self._kill.set()

    @property
    def was_killed(self) -> bool:
        return self._kill.is_set()

    async def start(self, specs: Sequence[ChildSpec]) -> None:
        """Start all children and return when all are ready.

        Raises:
            ChildDied: a child ended before all were ready.
            ChildrenNotReady: some children were not ready after `READY_SECONDS`.
        """
        for spec in specs:
            self._children.append(await self._spawn(spec))
        async with httpx.AsyncClient(timeout=1.0) as client:
            ready = asyncio.gather(*(self._wait_ready(client, spec.ready_url) for spec in specs))
            death = asyncio.ensure_future(self.wait_for_death())
            either: set[asyncio.Future[Any]] = {ready, death}
            try:
                await asyncio.wait(either, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if death.done():
                    raise ChildDied(death.result())
                if not ready.done():
                    late = [spec.name for spec in specs if not await self._is_ready(client, spec.ready_url)]
                    raise ChildrenNotReady(late)
            finally:
                for task in (ready, death):
                    task.cancel()
                await asyncio.gather(ready, death, return_exceptions=True)

    async def wait_for_death(self) -> Child:
        """Wait until the first child ends, and until all of its output was read."""
        waits = {asyncio.ensure_future(child.process.wait()): child for child in self._children}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            dead = waits[done.pop()]
            if dead.reader is not None:
                await dead.reader
            return dead
        finally:
            for wait in waits:
                wait.cancel()

    async def _spawn(self, spec: ChildSpec) -> Child:
        process = await asyncio.create_subprocess_exec(
            *spec.arguments,
            env={**spec.environ, "MOSAFE_PARENT_PIPE": str(self._read_end)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            pass_fds=(self._read_end,),
            start_new_session=True,
        )
        child = Child(spec, process)
        child.reader = asyncio.create_task(self._copy_output(child), name=f"output of {spec.name}")
        return child

    async def _copy_output(self, child: Child) -> None:
        if child.process.stdout is None:
            raise TypeError("the child was started without a pipe")
        rest = b""
        while chunk := await child.process.stdout.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._emit(child, line)
        if rest:
            self._emit(child, rest)

    def _emit(self, child: Child, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        child.last_lines.append(text)
        self._write_line(child.spec.name, text)

    async def _wait_ready(self, client: httpx.AsyncClient, url: str) -> None:
        while not await self._is_ready(client, url):  # noqa: ASYNC110 - a closed port offers no event to wait for
            await asyncio.sleep(POLL_SECONDS)

    async def _is_ready(self, client: httpx.AsyncClient, url: str) -> bool:
        try:
            return (await client.get(url)).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def _stop(self) -> None:
        """Stop the children one after the other, beginning with the last one."""
        end = asyncio.get_running_loop().time() + STOP_SECONDS
        for child in reversed(self._children):
            await self._stop_in_time([child], CHILD_SECONDS, end - LAST_SECONDS)
        # If the time was too short to stop all children one after the other, stop the others together.
        await self._stop_in_time(self._children, LAST_SECONDS, end)
        await asyncio.gather(*(child.reader for child in self._children if child.reader is not None))

    async def _stop_in_time(self, children: Sequence[Child], seconds: float, end: float) -> None:
        """Send SIGTERM to `children`, and wait until all have ended.

        Send SIGKILL to the children that still run after `seconds`, at the time `end`, or when `kill` is called,
        whichever comes first. If the time `end` has passed already, do nothing.
        """
        remaining = min(seconds, end - asyncio.get_running_loop().time())
        running = [child for child in children if child.process.returncode is None]
        if remaining <= 0 or not running:
            return
        for child in running:
            self._signal(child, signal.SIGTERM)
        ended = asyncio.gather(*(child.process.wait() for child in running))
        killed = asyncio.ensure_future(self._kill.wait())
        either: set[asyncio.Future[Any]] = {ended, killed}
        await asyncio.wait(either, timeout=remaining, return_when=asyncio.FIRST_COMPLETED)
        killed.cancel()
        if not ended.done():
            for child in running:
                self._signal(child, signal.SIGKILL)
        await ended

    @staticmethod
    def _signal(child: Child, number: signal.Signals) -> None:
        if child.process.returncode is None:
            with suppress(ProcessLookupError):  # the child has ended in the meantime
                child.process.send_signal(number)
