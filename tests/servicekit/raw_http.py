"""A server with our protocol on a free port, and a client that sends bytes as they are."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import uvicorn

from servicekit.http_protocol import bounded
from servicekit.http_server.connection import connections
from servicekit.server import Endpoint, bind
from servicekit.websocket_protocol import serve_websockets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from servicekit.http_limits import ConnectionLimits
    from servicekit.http_server.messages import DirectApplication
    from servicekit.request_admission import RequestAdmission

SERVERS: dict[str, Callable[[ConnectionLimits, RequestAdmission | None], type[asyncio.Protocol]]] = {
    "uvicorn": bounded,
    "own": connections,
}
server_under_test = "uvicorn"
SHORT = 0.1
SECONDS = 30
GOOD = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
HOLD = GOOD.replace(b"/ ", b"/hold ", 1)
BIG = 8 * 1024 * 1024


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Respond with the request's body.

    /slow after a pause, /big with more than a socket buffers, /head with the names and values of the headers,
    /early before the body.
    """
    body = b""
    if scope["path"] == "/early":
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        return
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    if scope["path"] == "/slow":
        await asyncio.sleep(2 * SHORT)
    if scope["path"] == "/head":
        body = b"|".join(name + b"=" + value for name, value in scope["headers"])
    if scope["path"] == "/big":
        body = b"x" * BIG
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


class Holding:
    """An application that responds to `HOLD` when the test sets `release`, and to everything else at once."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self._held = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/hold":
            self._held += 1
            await self.release.wait()
        await app(scope, receive, send)

    async def holds(self, count: int) -> None:
        """Wait until that many requests for /hold have begun."""
        async with asyncio.timeout(SECONDS):
            while self._held < count:
                await asyncio.sleep(0.001)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def say_until_closed(self, data: bytes, pause: float = 0) -> None:
        """Say the same again and again, until the server closes the connection."""
        async with asyncio.timeout(SECONDS):
            with suppress(ConnectionError):
                while True:
                    await self.say(data)
                    await asyncio.sleep(pause)

    async def head(self) -> bytes:
        """The head of the next response."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def rest(self) -> bytes:
        """Everything that the server sends until it closes the connection."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.read()

    async def rest_before_reset(self) -> bytes:
        """The same, for a client that goes on sending, whose connection the server's system then resets."""
        received = b""
        async with asyncio.timeout(SECONDS):
            with suppress(ConnectionResetError):
                while part := await self.reader.read(65_536):
                    received += part
        return received


@asynccontextmanager
async def served(
    limits: ConnectionLimits,
    served_app: Any = app,
    admission: RequestAdmission | None = None,
    *,
    direct: DirectApplication | None = None,
    websockets: bool = False,
) -> AsyncIterator[Callable[[], Awaitable[Client]]]:
    listener = bind(Endpoint("127.0.0.1", 0, "-"))
    config = uvicorn.Config(
        served_app,
        loop="none",
        http=connections(limits, admission, direct)
        if direct is not None
        else SERVERS[server_under_test](limits, admission),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    if websockets:
        serve_websockets(config)
    running = uvicorn.Server(config)
    config.load()
    running.lifespan = config.lifespan_class(config)
    await running.startup(sockets=[listener])
    clients: list[Client] = []

    async def connect() -> Client:
        clients.append(Client(*await asyncio.open_connection(*listener.getsockname())))
        return clients[-1]

    try:
        yield connect
    finally:
        for client in clients:
            client.writer.close()
        running.force_exit = True
        await running.shutdown(sockets=[listener])
