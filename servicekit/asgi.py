"""The ASGI types, how a header is read, and how one is added to a response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

# nginx uses this status if the client has closed the connection. Nobody receives it, but the access log contains it.
CLIENT_CLOSED_REQUEST = 499


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first header with this lower-case name, decoded as Latin-1. Return None if it is absent."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None


def adding_header(send: Send, name: bytes, value: bytes) -> Send:
    """Return a `send` that adds a header to the response."""

    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (name, value)]
        await send(message)

    return send_with_header


def closing_after(send: Send) -> Send:
    """Return a `send` that adds the header `Connection: close` to the response."""
    return adding_header(send, b"connection", b"close")
