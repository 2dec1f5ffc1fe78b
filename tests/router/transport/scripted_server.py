"""Run a subgraph on a real socket that sends exactly the bytes that a test scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator


class Received(NamedTuple):
    start_line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Peer:
    """One accepted connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    async def request(self) -> Received:
        """Read one request; raises `asyncio.IncompleteReadError` if the client has closed the connection."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        start_line, *lines = head.rstrip("\r\n").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return Received(start_line, headers, await self.reader.readexactly(int(headers["content-length"])))

    async def reply(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


@dataclass
class ScriptedServer:
    url: str
    connections: int = 0
    closed_by_client: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def serving(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedServer]:
    """Run `script` on every connection of a server on a free port."""
    state = ScriptedServer(url="")
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        state.connections += 1
        try:
            await script(Peer(reader, writer, state.connections))
        except (asyncio.IncompleteReadError, ConnectionError):
            state.closed_by_client.set()
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    host, port = server.sockets[0].getsockname()
    state.url = f"{'https' if tls else 'http'}://{host}:{port}/graphql"
    try:
        yield state
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def response(body: bytes, *, status: str = "200 OK", headers: tuple[str, ...] = ()) -> bytes:
    """Return the bytes of a response with a content length."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
