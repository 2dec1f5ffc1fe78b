"""The control channel between the supervisor and one worker: lines of JSON over a socket pair.

    supervisor  {"id": 1, "request": "status"}      worker   {"id": 1, "response": [...]}

When the worker begins to serve, it sends the hello message {"id": 0, "response": []} without a request. If the worker
cannot start, it sends {"id": 0, "failure": "..."} instead. Each side detects at once when the other side closes the
channel.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from router.lifecycle.admin_port import JsonObject

HELLO = 0
# The length limit of a line, in bytes. A status takes about a kilobyte. The limit protects the memory if the other side
# sends something else.
_MAX_LINE_BYTES = 1 << 20


class WorkerGone(Exception):
    """The worker closed the channel before it responded to a request."""


class StartFailed(Exception):
    """The worker could not start. The message is the reason."""


class Channel:
    """The supervisor's end of the channel.

    `hello` completes when the worker begins to serve. If the worker ends before that, `hello` fails with `StartFailed`
    or `WorkerGone`.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        loop = asyncio.get_running_loop()
        self.hello: asyncio.Future[Any] = loop.create_future()
        self._open: dict[int, asyncio.Future[Any]] = {HELLO: self.hello}
        self._last = HELLO
        self._reading = loop.create_task(self._read(reader))

    @classmethod
    async def over(cls, connection: socket.socket) -> Channel:
        """Open a channel over `connection`, one socket of a pair. `aclose` closes the socket."""
        return cls(*await asyncio.open_connection(sock=connection, limit=_MAX_LINE_BYTES))

    async def request(self, name: str) -> Sequence[JsonObject]:
        """Send a request and return the worker's response.

        Raises:
            WorkerGone: the worker ended before it responded.
        """
        if self._reading.done():
            raise WorkerGone
        self._last += 1
        future = self._open[self._last] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps({"id": self._last, "request": name}).encode() + b"\n")
        response: Sequence[JsonObject] = await future
        return response

    async def aclose(self) -> None:
        """Close the channel. The worker then stops, as it does if the supervisor ends."""
        self._writer.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await _line_or_end(reader):
                message = json.loads(line)
                future = self._open.pop(message["id"])
                if future.done():
                    continue
                if "failure" in message:
                    future.set_exception(StartFailed(message["failure"]))
                    future.exception()  # otherwise asyncio logs that nobody retrieved the exception
                else:
                    future.set_result(message["response"])
        finally:
            for future in self._open.values():
                if not future.done():
                    future.set_exception(WorkerGone())
                    future.exception()  # otherwise asyncio logs that nobody retrieved the exception


def report_failed_start(connection: socket.socket, reason: str) -> None:
    """Tell the supervisor why this worker cannot start. Do nothing if the supervisor has ended."""
    with suppress(ConnectionError):
        connection.sendall(json.dumps({"id": HELLO, "failure": reason}).encode() + b"\n")


@asynccontextmanager
async def serve_supervisor(
    connection: socket.socket,
    responders: Mapping[str, Callable[[], Awaitable[Sequence[JsonObject]]]],
    on_supervisor_end: Callable[[], None],
) -> AsyncIterator[None]:
    """While the `with` block runs, respond to the requests of the supervisor.

    `responders` has an async function for each kind of request. If the supervisor closes the channel, call
    `on_supervisor_end`.
    """
    reader, writer = await asyncio.open_connection(sock=connection, limit=_MAX_LINE_BYTES)

    async def respond(message: Mapping[str, Any]) -> None:
        response = list(await responders[message["request"]]())
        writer.write(json.dumps({"id": message["id"], "response": response}).encode() + b"\n")

    async def respond_to_all() -> None:
        writer.write(json.dumps({"id": HELLO, "response": []}).encode() + b"\n")
        async with asyncio.TaskGroup() as responding:  # a request for the status must not wait for a reload
            while line := await _line_or_end(reader):
                responding.create_task(respond(json.loads(line)))
            on_supervisor_end()

    task = asyncio.get_running_loop().create_task(respond_to_all())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        writer.close()


async def _line_or_end(reader: asyncio.StreamReader) -> bytes:
    """Return the next line. If the other side has ended, return an empty line.

    If the other side ends before it has read all data, the system resets the connection. This counts as the end too.
    """
    try:
        return await reader.readline()
    except ConnectionError:
        return b""
