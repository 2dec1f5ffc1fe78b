"""A conversation between the supervising process and one worker: lines of JSON over a socket pair.

    supervisor  {"id": 1, "ask": "status"}          worker   {"id": 1, "answer": [...]}

The worker speaks first, once, when it serves: {"id": 0, "answer": []}. Either side sees at once that the other is gone.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from router.lifecycle.admin import JsonObject

HELLO = 0
# A status is a kilobyte; the bound is against a peer that is not one of ours.
_LONGEST_LINE = 1 << 20


class WorkerGone(Exception):
    """The other end closed before it answered."""


class Channel:
    """The supervisor's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        loop = asyncio.get_running_loop()
        self.hello: asyncio.Future[Any] = loop.create_future()
        self._open: dict[int, asyncio.Future[Any]] = {HELLO: self.hello}
        self._last = HELLO
        self._reading = loop.create_task(self._read(reader))

    @classmethod
    async def over(cls, connection: socket.socket) -> Channel:
        """A channel over one half of a socket pair, which it owns from now on."""
        return cls(*await asyncio.open_connection(sock=connection, limit=_LONGEST_LINE))

    async def ask(self, what: str) -> Sequence[JsonObject]:
        """What the worker answers.

        Raises:
            WorkerGone: it ended before it did.
        """
        if self._reading.done():
            raise WorkerGone
        self._last += 1
        future = self._open[self._last] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps({"id": self._last, "ask": what}).encode() + b"\n")
        answer: Sequence[JsonObject] = await future
        return answer

    async def aclose(self) -> None:
        """Close; the worker takes that for the end of its supervisor."""
        self._writer.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                message = json.loads(line)
                future = self._open.pop(message["id"])
                if not future.done():
                    future.set_result(message["answer"])
        except ConnectionError:
            pass  # a worker that was killed; its process tells the rest
        finally:
            for future in self._open.values():
                if not future.done():
                    future.set_exception(WorkerGone())
                    future.exception()  # that nobody was waiting is no mistake


@asynccontextmanager
async def answering(
    connection: socket.socket,
    answers: Mapping[str, Callable[[], Awaitable[Sequence[JsonObject]]]],
    orphaned: Callable[[], None],
) -> AsyncIterator[None]:
    """The worker's end: answer while the block runs; `orphaned` is called when the supervisor is gone."""
    reader, writer = await asyncio.open_connection(sock=connection, limit=_LONGEST_LINE)

    async def answer(message: Mapping[str, Any]) -> None:
        given = list(await answers[message["ask"]]())
        writer.write(json.dumps({"id": message["id"], "answer": given}).encode() + b"\n")

    async def answer_all() -> None:
        writer.write(json.dumps({"id": HELLO, "answer": []}).encode() + b"\n")
        async with asyncio.TaskGroup() as asked:  # side by side: a reload takes long, and a status must not wait for it
            while line := await reader.readline():
                asked.create_task(answer(json.loads(line)))
            orphaned()

    task = asyncio.get_running_loop().create_task(answer_all())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        writer.close()
