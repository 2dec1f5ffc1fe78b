"""Refuse at once what cannot be answered in time: a queue that only grows helps nobody.

A refusal costs a counter and a few bytes, so a router that is asked too much still answers what it took on. Many in a
short time make `/health/ready` fail, which tells a load balancer to look elsewhere.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from router.transport import json_codec

from .media_types import MediaType, negotiate
from .summary import Summary

if TYPE_CHECKING:
    from router.settings.operations import Overload as Settings
    from servicekit.asgi import ASGIApp, Receive, Scope, Send

CODE = "ROUTER_OVERLOADED"
_BODY = json_codec.encode(
    {"errors": [{"message": "The router is asked too much; try again later.", "extensions": {"code": CODE}}]}
)


class Overload:
    """In front of an ASGI application: at most `max_requests` of its requests at once."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._most = settings.max_requests
        self._window = settings.window
        self._unready_after = settings.unready_after
        self._retry_after = str(max(1, round(settings.retry_after))).encode()
        self._recent: deque[float] = deque(maxlen=settings.unready_after)
        self._running = 0
        self.refused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._most is not None and self._running >= self._most:
            await self._refuse(scope, send)
            return
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1

    def check(self) -> None:
        """For readiness. Raises `RuntimeError` after `unready_after` refusals within `window`."""
        recent = self._recent
        if len(recent) == self._unready_after and time.monotonic() - recent[0] < self._window:
            raise RuntimeError("requests are being refused")

    async def _refuse(self, scope: Scope, send: Send) -> None:
        self.refused += 1
        self._recent.append(time.monotonic())
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        summary = Summary()
        summary.status, summary.code, summary.size = 503, CODE, len(_BODY)
        headers = [
            (b"content-type", (negotiate(given.get("accept")) or MediaType.JSON).header),
            (b"content-length", str(len(_BODY)).encode()),
            (b"retry-after", self._retry_after),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": _BODY})
        summary.write(scope, given, 0.0)
