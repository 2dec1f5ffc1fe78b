"""A subgraph on a free port, and a client of graphql-transport-ws made with the package `websockets`."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from servicekit.http_limits import ConnectionLimits
from servicekit.http_protocol import bounded
from servicekit.server import Endpoint, bind
from servicekit.websocket_protocol import serve_websockets
from subgraphs.kit.subscriptions.messages import SUBPROTOCOL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from servicekit.asgi import ASGIApp


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application, whose lifespan has begun, as a service does. Yields the URL for WebSockets."""
    config = uvicorn.Config(
        app, loop="none", http=bounded(ConnectionLimits()), ws="none", lifespan="off", log_config=None, access_log=False
    )
    serve_websockets(config)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # those of the test runner stay
    listener = bind(Endpoint("127.0.0.1", 0, "PORT"))
    with listener:
        task = asyncio.create_task(server._serve([listener]))  # noqa: SLF001 - `serve` would catch the runner's signals
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}/graphql"
        finally:
            server.should_exit = True
            await task


@dataclass
class Socket:
    """An open connection."""

    connection: ClientConnection
    received: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, type_: str, **members: object) -> None:
        await self.connection.send(json.dumps({"type": type_, **members}))

    async def receive(self) -> dict[str, Any]:
        """The next message, except for the keep-alive of the service."""
        while True:
            message: dict[str, Any] = json.loads(await self.connection.recv())
            if message["type"] != "ping":
                return message
            await self.send("pong")

    async def subscribe(self, id_: str, query: str, **variables: object) -> None:
        """Begin a subscription; returns when the service has begun it."""
        await self.send("subscribe", id=id_, payload={"query": query, "variables": variables})
        await self.send("ping")
        message = await self.receive()
        assert message == {"type": "pong"}, message

    async def refused(self, query: str, variables: Mapping[str, object] | None = None, id_: str = "x") -> list[Any]:
        """The codes of a subscription that is refused."""
        await self.send("subscribe", id=id_, payload={"query": query, "variables": variables})
        message = await self.receive()
        assert (message["type"], message["id"]) == ("error", id_)
        return [error["extensions"]["code"] for error in message["payload"]]

    async def next(self, id_: str) -> Any:
        """The data of the next result of a subscription."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("next", id_), message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]

    async def close_code(self) -> int | None:
        """Wait until the service closes the connection."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else None


@asynccontextmanager
async def connected(
    url: str,
    token: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    subprotocol: str | None = SUBPROTOCOL,
) -> AsyncIterator[Socket]:
    """Connect; with a token, wait until the connection is acknowledged."""
    subprotocols: Any = [subprotocol] if subprotocol else None
    async with connect(url, subprotocols=subprotocols, additional_headers=dict(headers or {})) as connection:
        socket = Socket(connection)
        if token is not None:
            await socket.send("connection_init", payload={"Authorization": f"Bearer {token}"})
            assert await socket.receive() == {"type": "connection_ack"}
        yield socket
