"""Gives each request its ids, and writes the access log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import structlog

from servicekit import request_ids
from servicekit.asgi import CLIENT_CLOSED_REQUEST, header
from servicekit.logged_paths import LoggedPaths
from servicekit.logging import request_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicekit.asgi import ASGIApp, Message, Receive, Scope, Send

_log = structlog.stdlib.get_logger("access")


class _AccessLine(msgspec.Struct, gc=False):
    """The fields of a log line, in their order."""

    method: str
    path: str
    status: int
    ms: float

    def write(self) -> None:
        lines = request_lines()
        if lines is None or not lines.write(self):
            _log.info("request", **msgspec.structs.asdict(self))


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
                    ms = round((time.perf_counter() - started) * 1000, 1)
                    _AccessLine(scope["method"], self._paths.of(scope["path"]), status, ms).write()
