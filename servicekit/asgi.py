"""The ASGI types, and the middleware that gives each request its ids and writes the access log."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import structlog

from servicekit import request_ids
from servicekit.logged_paths import LoggedPaths

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = structlog.stdlib.get_logger("access")

# nginx uses this status if the client has closed the connection. Nobody receives it, but the access log contains it.
CLIENT_CLOSED_REQUEST = 499


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first header with this lower-case name, decoded as Latin-1. Return None if it is absent."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None


class RequestIdMiddleware:
    """Gives each HTTP request an id and a trace, returns `X-Request-Id`, and logs one line after the response.

    The line contains the path of the matching route (`servicekit.logged_paths`). It contains neither the path that the
    client sent nor the query string, because both may contain personal data. As in the log of nginx, the status is 499
    if the client closed the connection before the response.
    """

    def __init__(self, app: ASGIApp, *, access_log: bool = True, routes: Iterable[str] = ()) -> None:
        self._app = app
        self._access_log = access_log
        self._paths = LoggedPaths(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ids = request_ids.RequestIds.from_headers(header(scope, b"x-request-id"), header(scope, b"traceparent"))
        started = time.perf_counter()
        status = CLIENT_CLOSED_REQUEST

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", ids.request_id.encode())]
            await send(message)

        with request_ids.serving(ids):
            try:
                await self._app(scope, receive, send_with_id)
            except BaseException:
                status = 500 if status == CLIENT_CLOSED_REQUEST else status
                raise
            finally:
                if self._access_log and not scope["path"].startswith("/health/"):
                    _log.info(
                        "request",
                        method=scope["method"],
                        path=self._paths.of(scope["path"]),
                        status=status,
                        ms=round((time.perf_counter() - started) * 1000, 1),
                    )
