"""Runs several worker processes behind one port. The supervisor starts, monitors and replaces the workers.

    supervisor ── listens on N sockets of one port (SO_REUSEPORT), one for each worker, and serves the admin port
      ├── worker 0   accepts from socket 0, has its own supergraph, plans and connections
      └── worker 1   accepts from socket 1

The kernel distributes new connections over the sockets. The supervisor keeps all sockets open. If a worker ends, the
new connections of its socket wait in a queue until the next worker uses the socket.

If a worker cannot start when the router starts, the router logs the reason and ends with the exit code of the worker.
If the replacement of a worker cannot start, the supervisor closes the socket of the worker, so that the kernel uses the
other sockets. The supervisor then tries to start the worker again, at growing intervals.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec
import structlog

from router.lifecycle.supervisor_channel import Channel, StartFailed, WorkerGone
from servicekit.server import Endpoint, bind

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from router.lifecycle.admin_port import JsonObject

# If a worker ran for at least this many seconds, it is replaced after a short pause. Otherwise, the pause doubles each
# time.
_PROVEN_SECONDS = 30.0
_FIRST_PAUSE, _MAX_PAUSE = 0.5, 30.0
# A stopped worker is killed if it still runs this many seconds after its grace period.
_LAST_SECONDS = 3.0
# A worker that does not send its status within this time is not ready. Load balancers wait about as long for the
# response to a health check.
_STATUS_SECONDS = 2.0

_log = structlog.stdlib.get_logger("workers")


def open_listeners(endpoint: Endpoint, count: int) -> list[socket.socket]:
    """Open the listening sockets for the port of `endpoint`: one socket for each of `count` workers.

    Raises:
        PortTaken: another process listens on the port, with or without SO_REUSEPORT.
        StartupError: this machine does not have the address.
    """
    bind(endpoint).close()  # without SO_REUSEPORT, `bind` fails if another process uses the port
    first = bind(Endpoint(endpoint.host, endpoint.port, endpoint.variable, shared=True))
    port = first.getsockname()[1]
    others = [bind(Endpoint(endpoint.host, port, endpoint.variable, shared=True)) for _ in range(count - 1)]
    return [first, *others]


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """The command and the settings with which a worker is started.

    The supervisor runs `command` with `--worker <number> <listener> <channel>`. The listener and the channel are file
    descriptors. `grace` is the number of seconds in which a stopped worker may finish its running requests.
    """

    command: Sequence[str]
    environ: Mapping[str, str]
    grace: float


class WorkerSupervisor:
    """The supervisor, which the admin port controls (see `admin_port.Operable`).

    `companions` are context managers, for example the admin port. They are open as long as the workers run.
    """

    def __init__(self, launch: Launch, listeners: Sequence[socket.socket]) -> None:
        self._launch = launch
        self._listeners = list(listeners)
        self._family, self._address = listeners[0].family, listeners[0].getsockname()
        self._channels: dict[int, Channel] = {}
        self._stop = asyncio.Event()
        self._exit_code = 0
        self._processes: set[Process] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self.companions: list[AbstractAsyncContextManager[object]] = []

    async def run(self) -> int:
        """Run until a stop signal arrives or a worker cannot start, and return the exit code."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, lambda: self._start_task(self._reload_for_signal()))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_or_cut_off)
        async with AsyncExitStack() as stack:
            for companion in self.companions:
                await stack.enter_async_context(companion)
            async with asyncio.TaskGroup() as group:
                for index in range(len(self._listeners)):
                    group.create_task(self._keep_running(index))
            for task in self._tasks:
                task.cancel()
        _log.info("stopped")
        return self._exit_code

    def stop(self) -> None:
        """Close the listening sockets and stop the workers. The workers may finish their running requests."""
        self._stop.set()
        for listener in self._listeners:
            listener.close()

    def _stop_or_cut_off(self) -> None:
        """Stop the workers after the first stop signal.

        After a second signal, make them cut off their running requests.
        """
        if self._stop.is_set():
            for process in self._processes:
                if process.returncode is None:
                    process.send_signal(signal.SIGINT)
        self.stop()

    async def status(self) -> Sequence[JsonObject]:
        """Return the status of each worker, in the order of the workers.

        The status of a worker that does not serve yet, or does not respond, contains `"ready": False`.
        """
        return await asyncio.gather(*map(self._status_of, range(len(self._listeners))))

    async def reload(self) -> Sequence[JsonObject]:
        """Reload one worker after the other. While one worker reloads, the other workers can serve clients."""
        return await self._reload("reload")

    async def _status_of(self, index: int) -> JsonObject:
        channel = self._channels.get(index)
        reason = "the worker is being started"
        if channel is not None:
            try:
                async with asyncio.timeout(_STATUS_SECONDS):
                    (status,) = await channel.request("status")
            except WorkerGone:
                reason = "the worker ended"
            except TimeoutError:
                reason = f"the worker does not respond within {_STATUS_SECONDS:g} s"
            else:
                return {"worker": index, **status}
        return {"worker": index, "ready": False, "reason": reason}

    async def _reload(self, request: str) -> list[JsonObject]:
        """Reload the workers that serve clients. Skip a worker that is being started: it reads the new files anyway."""
        outcomes: list[JsonObject] = []
        async with self._reloading:
            for index, channel in sorted(self._channels.items()):
                status = await self._status_of(index)
                if "pid" not in status:  # a worker that does not respond must not block the others or later reloads
                    outcomes.append({"worker": index, "result": "refused", "reason": status["reason"]})
                    continue
                try:
                    outcomes += [{"worker": index, **outcome} for outcome in await channel.request(request)]
                except WorkerGone:
                    outcomes.append({"worker": index, "result": "refused", "reason": "the worker ended"})
        return outcomes

    async def _reload_for_signal(self) -> None:
        await self._reload("reload_on_signal")

    def _start_task(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_running(self, index: int) -> None:
        """Run worker `index`. Whenever the worker ends, start a new one, until the supervisor stops."""
        pause, served_before = _FIRST_PAUSE, False
        while not self._stop.is_set():
            started = time.monotonic()
            code, served, failure = await self._run_one(index)
            served_before = served_before or served
            if self._stop.is_set():
                return
            if not served:
                _log.error("a worker could not start", worker=index, exit_code=code, reason=failure)
            if not served_before:
                self._exit_code = code or 1
                self.stop()
                return
            if not served:
                self._close_listener(index)
            pause = _FIRST_PAUSE if time.monotonic() - started > _PROVEN_SECONDS else min(pause * 2, _MAX_PAUSE)
            _log.error("a worker ended; it will be replaced", worker=index, exit_code=code, after_seconds=pause)
            await _first_completed(self._stop.wait(), asyncio.sleep(pause))

    def _close_listener(self, index: int) -> None:
        """Close the socket of worker `index`, and replace it by a new socket that does not listen.

        The new socket gets no connections until the next worker listens on it.
        """
        self._listeners[index].close()
        self._listeners[index] = replacement = socket.socket(self._family, socket.SOCK_STREAM)
        replacement.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        replacement.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        replacement.bind(self._address)

    async def _run_one(self, index: int) -> tuple[int, bool, str | None]:
        """Run one worker process until it ends.

        Return its exit code, whether the process began to serve, and the reason that it gave if it could not start.
        """
        ours, theirs = socket.socketpair()
        listener = self._listeners[index]
        process = await asyncio.create_subprocess_exec(
            *self._launch.command,
            "--worker",
            str(index),
            str(listener.fileno()),
            str(theirs.fileno()),
            env=dict(self._launch.environ),
            pass_fds=(listener.fileno(), theirs.fileno()),
        )
        theirs.close()
        self._processes.add(process)
        channel = await Channel.over(ours)
        try:
            await _first_completed(channel.hello, process.wait(), self._stop.wait())
            served = channel.hello.done() and channel.hello.exception() is None
            if served:
                self._channels[index] = channel
                _log.info("a worker serves", worker=index, pid=process.pid)
            await _first_completed(process.wait(), self._stop.wait())
            self._channels.pop(index, None)
            code = await self._stop_process(process)
            return code, served, None if served else await _start_failure(channel)
        finally:
            self._processes.discard(process)
            await channel.aclose()

    async def _stop_process(self, process: Process) -> int:
        """Stop the process, and return its exit code. If the process does not stop in time, kill it."""
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(self._launch.grace + _LAST_SECONDS):
                    await process.wait()
            except TimeoutError:
                _log.error("a worker did not stop in time and is killed", pid=process.pid)
                process.kill()
        return await process.wait()


async def _start_failure(channel: Channel) -> str | None:
    """Return why a worker that has ended could not start; None if the worker gave no reason."""
    try:
        await channel.hello
    except StartFailed as failure:
        return str(failure)
    except WorkerGone:
        return None
    return None


async def _first_completed(*waits: Coroutine[object, object, object] | asyncio.Future[object]) -> None:
    """Wait until one of `waits` completes. Then cancel the coroutines in `waits`, but not the futures."""
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


def call_when_closed(pipe: int, stop: Callable[[], None]) -> None:
    """Call `stop` when the other end of `pipe` is closed. This also happens when the other process ends."""
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(pipe, 1024):
            loop.remove_reader(pipe)
            stop()

    loop.add_reader(pipe, readable)
