"""A small HTTP/1.1 client on kept-alive connections, so that the load costs little processor time itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from random import Random


class Reply(NamedTuple):
    """The status and the body of a response."""

    status: int
    body: bytes


@dataclass(slots=True)
class Connection:
    """One kept-alive connection to a server on this machine."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, request: bytes) -> Reply:
        """Send a complete request, and return its response. The response must have `Content-Length`."""
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        _, _, rest = head.partition(b"content-length:")
        return Reply(int(head[9:12]), await self.reader.readexactly(int(rest.partition(b"\r\n")[0])))

    def close(self) -> None:
        self.writer.close()


def http_request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """Return the bytes of a request with an access token."""
    return (
        f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\naccept: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


def check(reply: Reply, expected: int) -> None:
    """Raise RuntimeError if the status is another one, because the figures of other responses mean nothing."""
    if reply.status != expected:
        raise RuntimeError(f"status {reply.status}: {reply.body.decode(errors='replace')}")


async def closed_loop(port: int, requests: Iterator[bytes], expected: int, clients: int) -> float:
    """Send all requests by `clients` that wait for each response. Return the seconds until the last response."""

    async def client() -> None:
        connection = await Connection.open(port)
        try:
            for request in requests:
                check(await connection.send(request), expected)
        finally:
            connection.close()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    return time.perf_counter() - began


async def open_loop(send: Callable[[int], Awaitable[None]], *, count: int, rate: float, random: Random) -> list[float]:
    """Start `count` calls of `send` at a rate, whether or not earlier calls have ended.

    The pause between two calls is 1/`rate`, 50 % more or less at random.

    Returns:
        The seconds of each call, beginning when it was due.
    """
    taken: list[float] = []

    async def one(number: int, due: float) -> None:
        await send(number)
        taken.append(time.perf_counter() - due)

    due = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            due += random.uniform(0.5, 1.5) / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(number, due))
    return taken
