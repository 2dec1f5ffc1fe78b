"""Several workers behind one port: processes that share nothing, and one that starts them, asks them and replaces them.

    supervisor ── listens on N sockets of one port (SO_REUSEPORT), one for each worker, and serves the admin port
      ├── worker 0   accepts from socket 0, has its own supergraph, plans and connections
      └── worker 1   accepts from socket 1

The kernel spreads connections over the sockets. They belong to the supervisor, so while a worker that died is replaced,
its connections wait in its socket's queue instead of being refused. A worker that cannot start is not tried again at
the start of the router (its reason is the router's); later it is, at growing intervals, and its socket closes, so that
the kernel sends its share of the connections to the others.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from router.lifecycle.control import Channel, WorkerGone
from servicekit.server import Endpoint, bind

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from router.lifecycle.admin import JsonObject

# A worker that ran this long has proven that it can; its end is news, not a habit.
_PROVEN_SECONDS = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
# What a worker's loop needs to end after its own grace period, before it is killed.
_LAST_SECONDS = 3.0
# A worker that does not say how it is within this is stuck; probes of a load balancer wait about as long.
_STATUS_SECONDS = 2.0

_log = structlog.stdlib.get_logger("workers")


def reserve(endpoint: Endpoint, count: int) -> list[socket.socket]:
    """Listening sockets of one port, one for each worker.

    Raises:
        PortTaken: another process listens there, even one that would share.
        StartupError: the address is not one of this machine's.
    """
    bind(endpoint).close()  # sharing works with strangers too: only a socket that does not share finds them
    first = bind(Endpoint(endpoint.host, endpoint.port, endpoint.variable, shared=True))
    port = first.getsockname()[1]
    others = [bind(Endpoint(endpoint.host, port, endpoint.variable, shared=True)) for _ in range(count - 1)]
    return [first, *others]


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a worker is started: `command` gets `--worker <listener> <channel>` (file descriptors) appended.

    `grace` in seconds is how long a worker may take to finish what it does.
    """

    command: Sequence[str]
    environ: Mapping[str, str]
    grace: float


class Workers:
    """The supervisor's work (see `admin.Operated`). `beside` runs as long as the workers do."""

    def __init__(self, launch: Launch, listeners: Sequence[socket.socket]) -> None:
        self._launch = launch
        self._listeners = list(listeners)
        self._family, self._address = listeners[0].family, listeners[0].getsockname()
        self._channels: dict[int, Channel] = {}
        self._stop = asyncio.Event()
        self._exit_code = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self.beside: list[AbstractAsyncContextManager[object]] = []

    async def run(self) -> int:
        """Until a signal, or a start that fails; the exit code."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, lambda: self._begin(self._reload_for_signal()))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        async with AsyncExitStack() as stack:
            for companion in self.beside:
                await stack.enter_async_context(companion)
            async with asyncio.TaskGroup() as group:
                for index in range(len(self._listeners)):
                    group.create_task(self._keep(index))
            for task in self._tasks:
                task.cancel()
        _log.info("stopped")
        return self._exit_code

    def stop(self) -> None:
        """Accept nothing more, let the workers finish, end."""
        self._stop.set()
        for listener in self._listeners:
            listener.close()

    async def status(self) -> Sequence[JsonObject]:
        """All workers in their order, those too that do not serve or do not answer: these are not ready."""
        return await asyncio.gather(*map(self._status_of, range(len(self._listeners))))

    async def reload(self) -> Sequence[JsonObject]:
        """One after the other: all at once would take every core from the clients."""
        return await self._reload("reload")

    async def _status_of(self, index: int) -> JsonObject:
        channel = self._channels.get(index)
        reason = "it is being started"
        if channel is not None:
            try:
                async with asyncio.timeout(_STATUS_SECONDS):
                    (status,) = await channel.ask("status")
            except WorkerGone:
                reason = "it ended"
            except TimeoutError:
                reason = f"it does not answer within {_STATUS_SECONDS:g} s"
            else:
                return {"worker": index, **status}
        return {"worker": index, "ready": False, "reason": reason}

    async def _reload(self, ask: str) -> list[JsonObject]:
        """Of the workers that serve; one that is being started reads what there is now."""
        outcomes: list[JsonObject] = []
        async with self._reloading:
            for index, channel in sorted(self._channels.items()):
                status = await self._status_of(index)
                if "pid" not in status:  # one that is stuck must not hold up the others, nor every later reload
                    outcomes.append({"worker": index, "result": "refused", "reason": status["reason"]})
                    continue
                try:
                    outcomes += [{"worker": index, **outcome} for outcome in await channel.ask(ask)]
                except WorkerGone:
                    outcomes.append({"worker": index, "result": "refused", "reason": "it ended"})
        return outcomes

    async def _reload_for_signal(self) -> None:
        await self._reload("hang_up")

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self, index: int) -> None:
        """Have worker `index` running until all stop."""
        pause, served_before = _FIRST_PAUSE, False
        while not self._stop.is_set():
            started = time.monotonic()
            code, served = await self._run_one(index)
            served_before = served_before or served
            if self._stop.is_set():
                return
            if not served_before:
                self._exit_code = code or 1
                self.stop()
                return
            if not served:
                self._let_others_serve(index)
            pause = _FIRST_PAUSE if time.monotonic() - started > _PROVEN_SECONDS else min(pause * 2, _LONGEST_PAUSE)
            _log.error("a worker ended; it will be replaced", worker=index, exit_code=code, after_seconds=pause)
            await _either(self._stop.wait(), asyncio.sleep(pause))

    def _let_others_serve(self, index: int) -> None:
        """Nobody is sent to a socket that does not listen; the next worker makes it listen when it is ready."""
        self._listeners[index].close()
        self._listeners[index] = replacement = socket.socket(self._family, socket.SOCK_STREAM)
        replacement.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        replacement.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        replacement.bind(self._address)

    async def _run_one(self, index: int) -> tuple[int, bool]:
        """Its exit code, and whether it ever served."""
        ours, theirs = socket.socketpair()
        listener = self._listeners[index]
        process = await asyncio.create_subprocess_exec(
            *self._launch.command,
            "--worker",
            str(listener.fileno()),
            str(theirs.fileno()),
            env=dict(self._launch.environ),
            pass_fds=(listener.fileno(), theirs.fileno()),
        )
        theirs.close()
        channel = await Channel.over(ours)
        try:
            await _either(channel.hello, process.wait(), self._stop.wait())
            served = channel.hello.done() and channel.hello.exception() is None
            if served:
                self._channels[index] = channel
                _log.info("a worker serves", worker=index, pid=process.pid)
            await _either(process.wait(), self._stop.wait())
            self._channels.pop(index, None)
            return await self._ended(process), served
        finally:
            await channel.aclose()

    async def _ended(self, process: Process) -> int:
        """Its exit code; told to stop if it runs, killed if it does not."""
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(self._launch.grace + _LAST_SECONDS):
                    await process.wait()
            except TimeoutError:
                _log.error("a worker did not stop in time and is killed", pid=process.pid)
                process.kill()
        return await process.wait()


async def _either(*waits: Coroutine[object, object, object] | asyncio.Future[object]) -> None:
    """Until one of them is done. Coroutines are cancelled then, futures left alone."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task, wait in zip(tasks, waits, strict=True):
            if task is not wait:
                task.cancel()
        await asyncio.gather(
            *(task for task, wait in zip(tasks, waits, strict=True) if task is not wait), return_exceptions=True
        )


def follow(pipe: int, stop: Callable[[], None]) -> None:
    """Call `stop` in the running event loop when `pipe` ends: its other end is held by whoever started us."""
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(pipe, 1024):
            loop.remove_reader(pipe)
            stop()

    loop.add_reader(pipe, readable)
