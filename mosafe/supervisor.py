"""Runs a set of processes as one: all start, all are ready, all stop; none is left behind.

Children run in sessions of their own, so that a Ctrl-C of the terminal reaches the supervisor alone, which then stops
them in order. Each child inherits the reading end of a pipe whose writing end lives here: should the supervisor be
killed outright, the pipe ends, and the children stop themselves (`servicekit.server`).
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

# A child's own grace (MOSAFE_SHUTDOWN_SECONDS, default 8) ends before ours, and ours before the 10 s promised.
STOP_SECONDS: Final = 9.0
READY_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.05
LAST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run: a name for the log, an argument vector, and the URL that answers 200 once it is ready."""

    name: str
    arguments: Sequence[str]
    ready_url: str


@dataclass(slots=True)
class Child:
    spec: ChildSpec
    process: asyncio.subprocess.Process
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    reader: asyncio.Task[None] | None = None


class ChildDied(Exception):
    """A child ended although nobody asked it to."""

    def __init__(self, child: Child) -> None:
        self.child = child
        super().__init__(f"{child.spec.name} ended with exit code {child.process.returncode}")


class NotReady(Exception):
    """Children did not become ready in time."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"not ready after {READY_SECONDS:g} s: {', '.join(names)}")


class Supervisor:
    """Use as an asynchronous context manager: leaving it stops every child."""

    def __init__(self, environ: Mapping[str, str], write_line: Callable[[str, str], None]) -> None:
        """`write_line(name, line)` receives each line that a child writes."""
        self._environ = environ
        self._write_line = write_line
        self._children: list[Child] = []
        self._read_end, self._write_end = os.pipe()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._stop()
        os.close(self._write_end)
        os.close(self._read_end)

    async def start(self, specs: Sequence[ChildSpec]) -> None:
        """Start all children and return when all are ready.

        Raises:
            ChildDied: one ended before that.
            NotReady: some were not ready after `READY_SECONDS`.
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
                    raise NotReady([spec.name for spec in specs if not await self._is_ready(client, spec.ready_url)])
            finally:
                for task in (ready, death):
                    task.cancel()
                await asyncio.gather(ready, death, return_exceptions=True)

    async def wait_for_death(self) -> Child:
        """The first child that ends, once its output has been read to the end."""
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
            env={**self._environ, "MOSAFE_PARENT_PIPE": str(self._read_end)},
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
        while not await self._is_ready(client, url):  # noqa: ASYNC110 - a port nobody listens on offers no event
            await asyncio.sleep(POLL_SECONDS)

    async def _is_ready(self, client: httpx.AsyncClient, url: str) -> bool:
        try:
            return (await client.get(url)).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def _stop(self) -> None:
        """Ask every child to end, then make those that do not."""
        for child in self._children:
            self._signal(child, signal.SIGTERM)
        waits = [asyncio.ensure_future(child.process.wait()) for child in self._children]
        if waits:
            _, late = await asyncio.wait(waits, timeout=STOP_SECONDS)
            if late:
                for child in self._children:
                    self._signal(child, signal.SIGKILL)
                await asyncio.wait(late)
        await asyncio.gather(*(child.reader for child in self._children if child.reader is not None))

    @staticmethod
    def _signal(child: Child, number: signal.Signals) -> None:
        if child.process.returncode is None:
            with suppress(ProcessLookupError):  # it ended between the look and the signal
                child.process.send_signal(number)
